package dev.dray.testbed;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// A QEMU process for a test: started with a QMP socket, its serial port written to a file, killed at close.
/// Binaries are found by the environment or system properties `DRAY_QEMU_7`, `DRAY_QEMU_10` and `DRAY_QEMU_11`.
public final class RealQemu implements AutoCloseable {
    /// The QEMUs that tests run on.
    public enum Version {
        V7("7.2", "DRAY_QEMU_7", "/usr/bin/qemu-system-x86_64"),
        V10("10.0", "DRAY_QEMU_10", ".work/qemu/10/qemu"),
        V11("11.1", "DRAY_QEMU_11", ".work/qemu/11/qemu");

        private final String number;
        private final String setting;
        private final String standard;

        Version(String number, String setting, String standard) {
            this.number = number;
            this.setting = setting;
            this.standard = standard;
        }

        /// Such as `7.2`.
        public String number() {
            return number;
        }

        /// This version's own i440fx machine type, such as `pc-i440fx-7.2`.
        public String pcMachineType() {
            return "pc-i440fx-" + number;
        }

        /// The binary, or nothing if this machine has none.
        public Optional<Path> binary() {
            String set = System.getProperty(setting, System.getenv(setting));
            if (set != null && !set.isEmpty()) {
                return Optional.of(Path.of(set)).filter(Files::isExecutable);
            }
            // Tests run in a module's directory; the standard place is in the checkout's.
            for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
                Path candidate = up.resolve(standard);
                if (Files.isExecutable(candidate)) {
                    return Optional.of(candidate);
                }
            }
            return Optional.empty();
        }

        /// The versions that this machine has: all of them where `DRAY_REQUIRE_VMM=1` says that nothing may be left
        /// out, as `./check` does.
        public static List<Version> present() {
            List<Version> present = java.util.Arrays.stream(values())
                    .filter(v -> v.binary().isPresent())
                    .toList();
            if ("1".equals(System.getenv("DRAY_REQUIRE_VMM")) && present.size() < values().length) {
                throw new AssertionError(
                        "DRAY_REQUIRE_VMM=1 wants every QEMU, and here are only " + present + ": run tools/fetch-qemu");
            }
            return present;
        }
    }

    private final Process process;
    private final Path directory;
    private final List<String> commandLine;
    private final QmpClient qmp;

    private RealQemu(Process process, Path directory, List<String> commandLine, QmpClient qmp) {
        this.process = process;
        this.directory = directory;
        this.commandLine = commandLine;
        this.qmp = qmp;
    }

    /// Starts QEMU under TCG with nothing but what `arguments` name, besides the sockets of the test.
    ///
    /// @param arguments machine, memory, devices, drives
    public static RealQemu start(Version version, List<String> arguments) throws IOException {
        Path binary = version.binary().orElseThrow(() -> new IOException("no QEMU " + version.number()));
        Path directory = Files.createTempDirectory("dray-qemu-");
        var line = new ArrayList<String>();
        line.add(binary.toString());
        line.addAll(List.of("-accel", "tcg", "-display", "none", "-nodefaults", "-no-user-config"));
        line.addAll(List.of("-qmp", "unix:" + directory.resolve("qmp") + ",server=on,wait=off"));
        // A second client (libvirt's place, or the engine under test) can talk here.
        line.addAll(List.of("-qmp", "unix:" + directory.resolve("qmp2") + ",server=on,wait=off"));
        Path serial = directory.resolve("serial");
        line.addAll(List.of("-serial", "chardev:serial0", "-chardev"));
        line.add("socket,id=serial0,server=on,wait=off,path=" + serial + "-socket,logappend=on,logfile=" + serial);
        line.addAll(arguments);
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
        try {
            return new RealQemu(process, directory, List.copyOf(line), connect(process, directory));
        } catch (IOException e) {
            process.destroyForcibly();
            String output = Files.readString(directory.resolve("output"));
            delete(directory);
            throw new IOException("QEMU did not start: " + line + "\n" + output, e);
        }
    }

    private static QmpClient connect(Process process, Path directory) throws IOException {
        IOException last = new IOException("no QMP socket");
        long until = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (process.isAlive() && System.nanoTime() < until) {
            try {
                return new QmpClient(directory.resolve("qmp"));
            } catch (IOException e) {
                last = e;
                pause();
            }
        }
        throw last;
    }

    /// The test's own control connection.
    public QmpClient qmp() {
        return qmp;
    }

    /// A QMP socket for the engine under test.
    public Path qmpSocket() {
        return directory.resolve("qmp2");
    }

    /// A directory for the test's files, deleted at close.
    public Path directory() {
        return directory;
    }

    public List<String> commandLine() {
        return commandLine;
    }

    public Process process() {
        return process;
    }

    /// What the guest has written to its serial port.
    public String serial() throws IOException {
        Path file = directory.resolve("serial");
        return Files.exists(file) ? Files.readString(file) : "";
    }

    /// The file that holds it.
    public Path serialLog() {
        return directory.resolve("serial");
    }

    /// Sends bytes to the guest's serial port, each as one character.
    public void sendSerial(String characters) throws IOException {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("serial-socket")))) {
            channel.write(ByteBuffer.wrap(characters.getBytes(StandardCharsets.ISO_8859_1)));
        }
    }

    /// What QEMU has printed.
    public String output() throws IOException {
        return Files.readString(directory.resolve("output"));
    }

    /// Such as `running`, `paused`, `postmigrate`, `inmigrate`.
    public String status() throws IOException {
        return qmp.execute("query-status").path("status").asString();
    }

    /// Waits until the serial output holds `text` after its first `from` characters.
    public void awaitSerial(String text, int from, Duration wait) throws IOException {
        long until = System.nanoTime() + wait.toNanos();
        while (serial().indexOf(text, from) < 0) {
            if (System.nanoTime() > until || !process.isAlive()) {
                throw new IOException("no '" + text + "' in " + serial() + "\n" + output());
            }
            pause();
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        try {
            process.waitFor(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        qmp.close();
        delete(directory);
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
