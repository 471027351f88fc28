package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// API sockets behind which there is no Cloud Hypervisor: refused, in the words that are used for any VMM.
class CloudHypervisorMachineTest {
    @TempDir
    private Path temp = Path.of("");

    @Test
    void aSocketThatIsNotThereIsToldAsThatOfAnyVmm() {
        Path nowhere = temp.resolve("nowhere");
        refuses(nowhere, "There is no socket " + nowhere, "start Cloud Hypervisor with --api-socket " + nowhere);
    }

    @Test
    void aSocketThatAKilledVmmLeftBehindIsToldAsSuch() throws Exception {
        Path stale = temp.resolve("stale");
        try (var left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            left.bind(UnixDomainSocketAddress.of(stale));
        }
        refuses(
                stale,
                "Nobody answers at the API socket " + stale + " (Connection refused)",
                "see whether its Cloud Hypervisor still runs; a socket file stays behind when Cloud Hypervisor is"
                        + " killed");
    }

    private static void refuses(Path socket, String message, String whatToDo) {
        assertThatThrownBy(() -> CloudHypervisorMachine.at(socket))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.whatToDo()).isEqualTo(whatToDo))
                .hasMessage(message);
    }
}
