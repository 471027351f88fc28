package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.MachineException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.testbed.Golden;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What Dray does while QEMU takes a background snapshot, fed with what a real one sent.
@Timeout(60)
class CaptureStreamTest {
    private static final String VERSION = "10.0";

    @TempDir
    private Path temp = Path.of("");

    private final AtomicBoolean runsOn = new AtomicBoolean();
    private final CompletableFuture<Boolean> ready = new CompletableFuture<>();

    /// QEMU tells of its memory, and stops the guest a tenth of a millisecond later.
    @Test
    void getsReadyForPagesOnlyOnceTheGuestRunsOn() throws Exception {
        byte[] sent = Golden.qemuStreams().stream()
                .filter(each -> each.version().equals(VERSION) && each.mode().equals("background"))
                .findFirst()
                .orElseThrow()
                .main();
        var plan = new CapturePlan(CaptureMode.BACKGROUND, AfterCapture.RESUME, true, false, false);
        try (var socket = PrivateSocket.beside(Files.createFile(temp.resolve("qmp")));
                var stream = new CaptureStream(socket, plan, facts(), new Store(), _ -> {})) {
            stream.start();
            try (var qemu = SocketChannel.open(UnixDomainSocketAddress.of(socket.path()))) {
                var _ = qemu.write(ByteBuffer.wrap(sent, 0, Math.min(sent.length, 64 << 10)));
                while (!ready.isDone() && !isReaderWaiting()) {
                    Thread.sleep(5);
                }
                runsOn.set(true);
                stream.guestRunsOn();
                assertThat(ready.get(30, TimeUnit.SECONDS))
                        .as("whether the guest ran when Dray got ready")
                        .isTrue();
            }
        }
    }

    private static boolean isReaderWaiting() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(
                        thread -> thread.getName().equals("stream") && thread.getState() == Thread.State.TIMED_WAITING);
    }

    private final class Store implements CaptureStore {
        @Override
        public PageDestination pages(GuestMemoryMap map) throws MachineException {
            ready.complete(runsOn.get());
            throw new MachineException("Enough", "");
        }

        @Override
        public void commit(CapturedMachine machine) {
            throw new AssertionError("there is nothing to store");
        }
    }

    private static QemuFacts facts() {
        return new QemuFacts(
                VERSION,
                "pc-i440fx-10.0",
                "running",
                "none",
                List.of(),
                List.of(),
                "",
                List.of(),
                List.of(),
                List.of(),
                1,
                false,
                Optional.empty());
    }
}
