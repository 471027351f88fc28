package dev.dray.cli;

import dev.dray.error.MachineException;
import dev.dray.machine.guest.GuestReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;

/// A virtual machine that the demo has started: a process with a QMP socket, and a guest that checks its own memory and
/// writes what it finds into a report.
final class DemoVm implements AutoCloseable {
    /// The guest's memory: enough to show something, little enough for a minute on any machine.
    static final long MEMORY_BYTES = 256L << 20;

    private static final Duration START_LIMIT = Duration.ofSeconds(30);

    private final Process process;
    private final Path socket;
    private final Path report;

    private DemoVm(Process process, Path socket, Path report) {
        this.process = process;
        this.socket = socket;
        this.report = report;
    }

    /// @param directory for its socket, report and log
    static DemoVm start(List<String> command, Path directory, Path socket, Path report) throws MachineException {
        try {
            var builder = new ProcessBuilder(command);
            builder.environment().keySet().removeIf(name -> name.startsWith("DRAY_"));
            builder.redirectErrorStream(true);
            builder.redirectOutput(
                    directory.resolve(socket.getFileName() + ".log").toFile());
            builder.redirectInput(
                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
            var vm = new DemoVm(builder.start(), socket, report);
            vm.awaitSocket(directory);
            return vm;
        } catch (IOException e) {
            throw new MachineException("The demo's VM cannot be started: " + e.getMessage(), "", e);
        }
    }

    private void awaitSocket(Path directory) throws MachineException, IOException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!Files.exists(socket)) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                close();
                String log = Files.readString(directory.resolve(socket.getFileName() + ".log"));
                throw new MachineException(
                        "The demo's VM did not start: "
                                + log.lines().findFirst().orElse("it said nothing"),
                        "try --vmm builtin");
            }
            pause();
        }
    }

    String address() {
        return "qemu:" + socket;
    }

    Path socket() {
        return socket;
    }

    GuestReport report() throws MachineException {
        try {
            return GuestReport.read(report);
        } catch (IOException e) {
            throw new MachineException("The guest's report cannot be read: " + e.getMessage(), "", e);
        }
    }

    /// Waits until the guest has reported enough, or something wrong.
    GuestReport await(Predicate<GuestReport> enough, Duration limit, String what) throws MachineException {
        try {
            GuestReport seen = GuestReport.await(report, enough, limit);
            if (!seen.isClean()) {
                throw new MachineException("The guest found wrong memory: " + seen, "report this as a defect of Dray");
            }
            if (!enough.test(seen)) {
                throw new MachineException(
                        "The guest did not " + what + " within " + limit.toSeconds() + " s",
                        "this machine may be too slow or too busy for the demo");
            }
            return seen;
        } catch (IOException e) {
            throw new MachineException("The guest's report cannot be read: " + e.getMessage(), "", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MachineException("Interrupted while the guest was watched", "", e);
        }
    }

    /// Ends the VMM as hard as can be.
    void kill() {
        process.destroyForcibly();
        try {
            var _ = process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pause() throws MachineException {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MachineException("Interrupted", "", e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
