package dev.dray.cli;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.Parameters;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Whose virtual machine the demo uses.
sealed interface DemoVmm {
    /// What the user is told about it.
    String title();

    /// @param name `source` or `target`
    /// @param waiting whether it waits for a guest to be restored into it
    DemoVm start(Path directory, String name, boolean waiting) throws DrayException;

    /// Has the guest check every byte of its memory once.
    void askToVerify(DemoVm vm) throws DrayException;

    static DemoVmm choose(DemoCommand.Vmm choice) throws DrayException {
        Optional<Path> qemu = qemuOnPath();
        return switch (choice) {
            case BUILTIN -> new Builtin("asked for");
            case QEMU ->
                new Qemu(qemu.orElseThrow(() -> new UsageException(
                        "There is no qemu-system-x86_64 on the PATH", "install QEMU, or use --vmm builtin")));
            case AUTO -> qemu.<DemoVmm>map(Qemu::new).orElseGet(() -> new Builtin("there is no QEMU on the PATH"));
        };
    }

    private static Optional<Path> qemuOnPath() {
        for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            Path candidate = Path.of(directory.isEmpty() ? "." : directory, "qemu-system-x86_64");
            if (Files.isExecutable(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    /// A real QEMU with a bare-metal guest on its floppy.
    record Qemu(Path program) implements DemoVmm {
        @Override
        public String title() {
            return "real QEMU (" + program + "), with a bare-metal guest of " + Words.bytes(DemoVm.MEMORY_BYTES)
                    + ", half of it incompressible, that checks its own memory";
        }

        @Override
        public DemoVm start(Path directory, String name, boolean waiting) throws DrayException {
            Path floppy = directory.resolve("guest.img");
            Path socket = directory.resolve(name + ".qmp");
            Path report = directory.resolve(name + ".report");
            try {
                if (!Files.exists(floppy)) {
                    Files.write(
                            floppy,
                            BareMetalGuest.image(
                                    Parameters.ofMemory(DemoVm.MEMORY_BYTES).withHotBytes(32L << 20)));
                }
            } catch (IOException e) {
                throw new MachineException("The guest's image cannot be written: " + e.getMessage(), "", e);
            }
            var command = new ArrayList<String>(
                    List.of(program.toString(), "-nodefaults", "-machine", "pc", "-accel", "tcg", "-display", "none"));
            command.addAll(List.of("-m", Long.toString(DemoVm.MEMORY_BYTES >> 20)));
            command.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
            command.addAll(List.of(
                    "-chardev",
                    "socket,id=report,server=on,wait=off,path=" + serial(socket) + ",logfile=" + report,
                    "-serial",
                    "chardev:report"));
            command.addAll(List.of("-qmp", "unix:" + socket + ",server=on,wait=off"));
            if (waiting) {
                command.addAll(List.of("-incoming", "defer"));
            }
            return DemoVm.start(command, directory, socket, report);
        }

        private static Path serial(Path socket) {
            return Path.of(socket + ".serial");
        }

        @Override
        public void askToVerify(DemoVm vm) throws DrayException {
            try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                channel.connect(UnixDomainSocketAddress.of(serial(vm.socket())));
                channel.write(ByteBuffer.wrap(new byte[] {(byte) BareMetalGuest.VERIFY}));
            } catch (IOException e) {
                throw new MachineException("The guest's serial port cannot be reached: " + e.getMessage(), "", e);
            }
        }
    }

    /// The built-in machine, in a process of its own.
    record Builtin(String reason) implements DemoVmm {
        @Override
        public String title() {
            return "the built-in machine (" + reason + "), with a guest that checks its own memory";
        }

        @Override
        public DemoVm start(Path directory, String name, boolean waiting) throws DrayException {
            throw new UsageException("The built-in machine is not in this release", "install QEMU");
        }

        @Override
        public void askToVerify(DemoVm vm) {
            // Its guest checks every byte of every page in each pass.
        }
    }
}
