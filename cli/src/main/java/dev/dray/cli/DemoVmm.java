package dev.dray.cli;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Whose virtual machine the demo uses.
sealed interface DemoVmm {
    /// The guest's memory: enough to show something, little enough for a minute on any machine.
    long MEMORY_BYTES = 256L << 20;

    /// What JSON calls it.
    String word();

    /// Why this one.
    String reason();

    /// What a user can do if this one does not start.
    String otherwise();

    /// What to call one that calls itself `vmm`.
    String name(String vmm);

    /// What the user is told about it.
    String title();

    /// The dialect that it speaks, as in addresses.
    String dialect();

    /// The command line that starts one, with its sockets and its guest's report at `ends`.
    ///
    /// @param directory for what several of them share
    /// @param waiting whether it waits for a guest to be restored into it
    List<String> command(Path directory, DemoVm.Endpoints ends, boolean waiting) throws DrayException;

    static DemoVmm choose(DemoCommand.Vmm choice, String searchPath) throws DrayException {
        Optional<Path> qemu = qemuOn(searchPath);
        return switch (choice) {
            case BUILTIN -> Builtin.asQemu("as asked for");
            case QEMU ->
                new Qemu(
                        qemu.orElseThrow(() -> new UsageException(
                                "There is no qemu-system-x86_64 on the PATH", "Install QEMU, or use --vmm builtin")),
                        "as asked for");
            case AUTO ->
                qemu.<DemoVmm>map(program -> new Qemu(program, "it is on the PATH"))
                        .orElseGet(() -> Builtin.asQemu("there is no qemu-system-x86_64 on the PATH"));
        };
    }

    private static Optional<Path> qemuOn(String searchPath) {
        for (String directory : searchPath.split(":", -1)) {
            Path candidate = Path.of(directory.isEmpty() ? "." : directory, "qemu-system-x86_64");
            if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                return Optional.of(candidate.toAbsolutePath());
            }
        }
        return Optional.empty();
    }

    /// A real QEMU with a bare-metal guest on its floppy.
    record Qemu(Path program, String reason) implements DemoVmm {
        @Override
        public String dialect() {
            return "qemu";
        }

        @Override
        public String word() {
            return "qemu";
        }

        @Override
        public String otherwise() {
            return "Try --vmm builtin";
        }

        @Override
        public String name(String vmm) {
            return vmm;
        }

        @Override
        public String title() {
            return "real QEMU (" + program + "), with a bare-metal guest of " + Words.bytes(MEMORY_BYTES)
                    + ", half of it incompressible, that checks its own memory";
        }

        @Override
        public List<String> command(Path directory, DemoVm.Endpoints ends, boolean waiting) throws DrayException {
            Path floppy = directory.resolve("guest.img");
            try {
                if (!Files.exists(floppy)) {
                    var parameters = Parameters.ofMemory(MEMORY_BYTES).withHotBytes(32L << 20);
                    Files.write(floppy, BareMetalGuest.image(parameters));
                }
            } catch (IOException e) {
                throw new MachineException("The guest's image cannot be written: " + e.getMessage(), "Set TMPDIR", e);
            }
            var command = new ArrayList<String>(
                    List.of(program.toString(), "-nodefaults", "-machine", "pc", "-accel", "tcg", "-display", "none"));
            command.addAll(List.of("-m", Long.toString(MEMORY_BYTES >> 20)));
            command.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
            command.addAll(List.of(
                    "-chardev",
                    "socket,id=report,server=on,wait=off,path=" + ends.serial() + ",logfile=" + ends.report(),
                    "-serial",
                    "chardev:report"));
            command.addAll(List.of("-qmp", "unix:" + ends.control() + ",server=on,wait=off"));
            if (waiting) {
                command.addAll(List.of("-incoming", "defer"));
            }
            return command;
        }
    }

    /// The built-in machine, in a process of its own.
    ///
    /// @param dialect what it speaks as: `qemu` or `ch`
    /// @param guestBytes its guest's memory
    /// @param dirtyBytesPerSecond what its guest changes
    record Builtin(String dialect, String reason, String title, long guestBytes, long dirtyBytesPerSecond)
            implements DemoVmm {
        /// As a QEMU. Its guest changes so much that a capture meets pages on their way, and leaves most of a core.
        static Builtin asQemu(String reason) {
            String title = "the built-in machine (" + reason + "), with a guest of " + Words.bytes(MEMORY_BYTES)
                    + ", half of it incompressible, that checks its own memory";
            return new Builtin("qemu", reason, title, MEMORY_BYTES, 64L << 20);
        }

        /// As a Cloud Hypervisor, which can give a guest its memory while it runs. Its guest changes little, so that
        /// one
        /// that waits for its memory is seen to wait, and not its host.
        static Builtin asCloudHypervisor() {
            long bytes = 128L << 20;
            String title = "the built-in machine speaking as a Cloud Hypervisor, with a guest of " + Words.bytes(bytes);
            return new Builtin("ch", "it speaks as a Cloud Hypervisor too", title, bytes, 16L << 20);
        }

        @Override
        public String word() {
            return "builtin";
        }

        @Override
        public String otherwise() {
            return "See whether this machine has 1 GB of memory to spare";
        }

        @Override
        public String name(String vmm) {
            return "built-in machine";
        }

        @Override
        public List<String> command(Path directory, DemoVm.Endpoints ends, boolean waiting) {
            var command = new ArrayList<String>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-Xmx128m",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.dray.machine.Main"));
            command.addAll(List.of("--memory-mib", Long.toString(guestBytes >> 20), "--workload", "hot"));
            command.addAll(List.of("--dirty-rate", Long.toString(dirtyBytesPerSecond)));
            command.addAll(List.of("--serial", ends.serial().toString()));
            command.addAll(List.of("--report", ends.report().toString()));
            command.addAll(List.of(
                    dialect.equals("ch") ? "--api-socket" : "--qmp",
                    ends.control().toString()));
            if (waiting) {
                command.add("--incoming");
            }
            return command;
        }
    }
}
