package dev.dray.machine.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One real QEMU with a bare-metal guest, its QMP socket, and the serial port in a file (`serial`) and as a
/// socket for commands (`commands`).
final class QemuVm implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Process process;
    private final Path directory;
    private final SocketChannel qmp;
    private final StringBuilder received = new StringBuilder();

    private QemuVm(Process process, Path directory, SocketChannel qmp) {
        this.process = process;
        this.directory = directory;
        this.qmp = qmp;
    }

    /// The QEMUs of this machine; tests skip those that are not there.
    static Stream<Path> binaries() {
        return Stream.of("DRAY_QEMU_7", "DRAY_QEMU_10", "DRAY_QEMU_11")
                .map(name -> System.getProperty(name, System.getenv().getOrDefault(name, "/nowhere")))
                .map(Path::of)
                .filter(Files::isExecutable);
    }

    static QemuVm start(Path binary, Path directory, long memoryBytes, byte[] image, String... more)
            throws IOException, InterruptedException {
        Files.createDirectories(directory);
        Path floppy = Files.write(directory.resolve("guest.img"), image);
        List<String> command = new ArrayList<>(List.of(binary.toString(), "-accel", "tcg", "-nodefaults"));
        command.addAll(List.of("-display", "none", "-m", (memoryBytes >> 20) + "M"));
        command.addAll(List.of("-machine", "pc-i440fx-7.2,memory-backend=ram0"));
        Path ram = directory.resolve("ram");
        command.addAll(
                List.of("-object", "memory-backend-file,id=ram0,share=on,size=" + memoryBytes + ",mem-path=" + ram));
        command.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
        command.addAll(List.of("-qmp", "unix:" + directory.resolve("qmp") + ",server=on,wait=off"));
        command.addAll(List.of(
                "-chardev",
                "socket,id=s0,path=" + directory.resolve("commands") + ",server=on,wait=off,logfile="
                        + directory.resolve("serial") + ",logappend=on",
                "-serial",
                "chardev:s0"));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            try {
                SocketChannel qmp = connect(directory.resolve("qmp"));
                QemuVm vm = new QemuVm(process, directory, qmp);
                vm.line();
                vm.qmp("qmp_capabilities", "{}");
                return vm;
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                    process.destroyForcibly();
                    throw new IOException(Files.readString(directory.resolve("output")), e);
                }
                Thread.sleep(20);
            }
        }
    }

    private static SocketChannel connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    Path serial() {
        return directory.resolve("serial");
    }

    /// Sends a command byte to the guest.
    void command(char command) throws IOException {
        try (SocketChannel channel = connect(directory.resolve("commands"))) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) command}));
        }
    }

    JsonNode qmp(String command, String arguments) throws IOException {
        String text = "{\"execute\":\"" + command + "\",\"arguments\":" + arguments + "}\n";
        qmp.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        while (true) {
            JsonNode answer = JSON.readTree(line());
            if (answer.has("error")) {
                throw new IOException(command + ": " + answer.get("error"));
            }
            if (answer.has("return")) {
                return answer.get("return");
            }
        }
    }

    void stop() throws IOException {
        qmp("stop", "{}");
    }

    void resume() throws IOException {
        qmp("cont", "{}");
    }

    /// The guest's physical memory, below 3 GiB: stop the guest before looking or changing.
    MemorySegment memory(Arena arena) throws IOException {
        try (FileChannel file =
                FileChannel.open(directory.resolve("ram"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, file.size(), arena);
        }
    }

    private String line() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (received.indexOf("\n") < 0) {
            if (qmp.read(buffer.clear()) < 0) {
                throw new IOException("QMP closed: " + Files.readString(directory.resolve("output")));
            }
            received.append(StandardCharsets.UTF_8.decode(buffer.flip()));
        }
        String line = received.substring(0, received.indexOf("\n"));
        received.delete(0, line.length() + 1);
        return line;
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
            qmp.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
