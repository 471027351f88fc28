package dev.dray.cli;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.GuestReport;
import java.io.File;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Predicate;

/// A virtual machine that the demo has started: a process with a QMP socket, and a guest that checks its own memory and
/// writes what it finds into a report.
final class DemoVm implements AutoCloseable {
    /// Where it can be reached: its QMP socket, a socket at the guest's serial port, and what the guest reports there.
    record Endpoints(Path control, Path serial, Path report, Path log) {
        static Endpoints in(Path directory, String name) {
            return new Endpoints(
                    directory.resolve(name + ".qmp"),
                    directory.resolve(name + ".serial"),
                    directory.resolve(name + ".report"),
                    directory.resolve(name + ".log"));
        }
    }

    private static final Duration START_LIMIT = Duration.ofSeconds(30);

    private final String dialect;
    private final Process process;
    private final Endpoints ends;

    private DemoVm(String dialect, Process process, Endpoints ends) {
        this.dialect = dialect;
        this.process = process;
        this.ends = ends;
    }

    /// @param name of its ends in the directory
    /// @param waiting whether it waits for a guest to be restored into it
    static DemoVm start(DemoVmm vmm, Path directory, String name, boolean waiting) throws DrayException {
        Endpoints ends = Endpoints.in(directory, name);
        var builder = new ProcessBuilder(vmm.command(directory, ends, waiting));
        builder.environment().keySet().removeIf(variable -> variable.startsWith("DRAY_"));
        builder.redirectErrorStream(true).redirectOutput(ends.log().toFile());
        builder.redirectInput(new File("/dev/null"));
        try {
            var vm = new DemoVm(vmm.dialect(), builder.start(), ends);
            vm.awaitSocket(vmm.otherwise());
            return vm;
        } catch (IOException e) {
            throw new MachineException("The demo's VM cannot be started: " + e.getMessage(), vmm.otherwise(), e);
        }
    }

    private void awaitSocket(String otherwise) throws DrayException, IOException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!Files.exists(ends.control())) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                close();
                String said = Files.readString(ends.log());
                throw new MachineException(
                        "The demo's VM did not start: "
                                + said.lines().findFirst().orElse("it said nothing"),
                        otherwise);
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                close();
                throw interrupted(e);
            }
        }
    }

    String address() {
        return dialect + ":" + ends.control();
    }

    /// Has the guest check every byte of its memory once.
    void askToVerify() throws MachineException {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(ends.serial()))) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) BareMetalGuest.VERIFY}));
        } catch (IOException e) {
            throw new MachineException("The guest's serial port cannot be reached: " + e.getMessage(), "", e);
        }
    }

    GuestReport report() throws MachineException {
        try {
            return GuestReport.read(ends.report());
        } catch (IOException e) {
            throw new MachineException("The guest's report cannot be read: " + e.getMessage(), "", e);
        }
    }

    /// Waits until the guest has reported enough, or something wrong.
    GuestReport await(Predicate<GuestReport> enough, Duration limit, String what) throws DrayException {
        try {
            GuestReport seen = GuestReport.await(ends.report(), enough, limit);
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
            throw interrupted(e);
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

    private static InterruptedOperation interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new InterruptedOperation("The demo was stopped", "", e);
    }

    @Override
    public void close() {
        kill();
    }
}
