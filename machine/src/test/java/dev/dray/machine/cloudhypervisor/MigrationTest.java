package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.testbed.ChApi;
import dev.dray.testbed.Listening;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Built-in machines that migrate to each other, as Cloud Hypervisors do.
@Timeout(300)
class MigrationTest {
    private static final long FAST = 64 << 20;

    @TempDir
    Path directory;

    private MachineOptions options(String name, Model model) {
        return MachineOptions.cloudHypervisor(directory.resolve(name))
                .withMemory(MachineOptions.MEMORY_MIN * 2)
                .with(model)
                .with(new ProgramSettings(Workload.SWEEP, Fill.HALF, FAST));
    }

    private ChApi api(String name) {
        return new ChApi(directory.resolve(name));
    }

    @ParameterizedTest
    @CsvSource({
        "true, unix, '\"local\":true', Precopy",
        "true, unix, '\"local\":false', Precopy",
        "true, tcp, '\"connections\":1', Precopy",
        "true, tcp, '\"connections\":4', Precopy",
        "false, unix, '\"local\":false', Precopy",
        "false, tcp, '\"connections\":4', Precopy",
        "true, unix, '\"memory_mode\":\"Postcopy\"', Postcopy",
        "false, tcp, '\"memory_mode\":\"Postcopy\"', Postcopy",
    })
    void aGuestMovesAndFindsItsMemory(boolean isShared, String transport, String how, String mode) throws Exception {
        Model model = isShared
                ? Model.standard().withZones(3)
                : Model.standard().withZones(3).withPrivateMemory();
        try (var from = BuiltinMachine.start(options("from", model));
                var to = BuiltinMachine.start(options("to", model).incoming())) {
            awaitPasses(from, 2);
            String url = transport.equals("unix") ? "unix:" + directory.resolve("in") : "tcp:127.0.0.1:" + freePort();
            var received = receive(url, mode);
            assertThat(api("from")
                            .put("vm.send-migration", "{\"destination_url\":\"" + url + "\"," + how + "}")
                            .status())
                    .isEqualTo(204);
            assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo(new ChApi.Answer(204, ""));
            assertThat(from.ended().get(60, TimeUnit.SECONDS)).isZero();
            assertThat(api("to").state()).isEqualTo("Running");
            assertThat(awaitPasses(to, 3)).isTrue();
            to.type("v");
            awaitPasses(to, to.report().passes() + 2);
            assertThat(to.report().isClean()).isTrue();
            assertThat(from.report().isClean()).isTrue();
        }
    }

    private CompletableFuture<ChApi.Answer> receive(String url, String mode) throws Exception {
        var received = api("to")
                .putLater(
                        "vm.receive-migration", "{\"receiver_url\":\"" + url + "\",\"memory_mode\":\"" + mode + "\"}");
        if (url.startsWith("unix:")) {
            Listening.await(directory.resolve("in"));
        } else {
            Listening.await(Integer.parseInt(url.substring(url.lastIndexOf(':') + 1)));
        }
        return received;
    }

    private static int freePort() throws Exception {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void aSourceIsPreservedAndStandsStill() throws Exception {
        Model model = Model.standard().withZones(2);
        try (var from = BuiltinMachine.start(options("from", model));
                var to = BuiltinMachine.start(options("to", model).incoming())) {
            awaitPasses(from, 1);
            var received = receive("unix:" + directory.resolve("in"), "Precopy");
            api("from")
                    .put(
                            "vm.send-migration",
                            "{\"destination_url\":\"unix:" + directory.resolve("in")
                                    + "\",\"local\":true,\"preserve_source\":true}");
            assertThat(received.get(60, TimeUnit.SECONDS).status()).isEqualTo(204);
            for (int i = 0; i < 12_000 && !api("from").state().equals("Paused"); i++) {
                Thread.sleep(5);
            }
            assertThat(api("from").state()).isEqualTo("Paused");
            assertThat(from.ended()).isNotDone();
            api("to").put("vm.pause");
            for (MemoryBlock block : to.memory().blocks()) {
                MemoryBlock same = from.memory().block(from.memory().indexOf(block.name()));
                assertThat(block.memory().mismatch(same.memory())).isEqualTo(-1);
            }
        }
    }

    static boolean awaitPasses(BuiltinMachine machine, long passes) throws Exception {
        for (int i = 0;
                i < 12_000
                        && machine.report().passes() < passes
                        && machine.report().isClean();
                i++) {
            Thread.sleep(5);
        }
        assertThat(machine.report().passes()).as("passes").isGreaterThanOrEqualTo(passes);
        return machine.report().isClean();
    }
}
