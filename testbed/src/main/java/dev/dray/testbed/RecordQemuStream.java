package dev.dray.testbed;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/// Records the golden streams: `java -cp … dev.dray.testbed.RecordQemuStream DIRECTORY [VERSION-MODE …]` runs
/// every installed QEMU with a tiny guest and writes what it sends. A recording that is already there is left
/// alone.
///
/// Beside `VERSION-MODE.bin.gz` and `VERSION-MODE-channelN.bin.gz` it writes `VERSION-MODE.txt`: the command
/// line, and the SHA-256 of the guest's memory as QMP `pmemsave` gave it when the stream was whole and the
/// guest stood still.
public final class RecordQemuStream {
    private static final List<String> MODES = List.of("stop", "live", "background", "multifd", "virtio-mem");
    private static final int MULTIFD_CHANNELS = 2;

    /// A source that has sent nothing for this long waits for an answer.
    private static final long SILENCE_MS = 1500;

    private final RealQemu.Version version;
    private final String mode;
    private final List<Connection> connections = new ArrayList<>();

    /// Rounds of memory in a recording of a running guest.
    private static final int ROUNDS = 6;

    private RecordQemuStream(RealQemu.Version version, String mode) {
        this.version = version;
        this.mode = mode;
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        List<String> wanted = List.of(arguments).subList(1, arguments.length);
        Files.createDirectories(directory);
        for (RealQemu.Version version : RealQemu.Version.present()) {
            for (String mode : MODES) {
                String name = version.number() + "-" + mode;
                boolean asked = wanted.isEmpty() || wanted.contains(name);
                // The early section of virtio-mem came with the machine types of QEMU 8.1.
                boolean possible = !mode.equals("virtio-mem") || version != RealQemu.Version.V7;
                if (asked && possible && !Files.exists(directory.resolve(name + ".txt"))) {
                    System.out.println(name + ": " + new RecordQemuStream(version, mode).record(directory, name));
                }
            }
        }
    }

    /// The command line of a recording, without the sockets.
    private List<String> guest(Path floppy) {
        var line = new ArrayList<String>();
        line.addAll(List.of("-machine", version.pcMachineType(), "-vga", "none", "-net", "none"));
        line.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
        if (mode.equals("virtio-mem")) {
            line.addAll(List.of("-m", "4M,slots=1,maxmem=1G", "-object", "memory-backend-ram,id=vmem0,size=128M"));
            line.addAll(List.of("-device", "virtio-mem-pci,id=vm0,memdev=vmem0,requested-size=0"));
        } else {
            line.addAll(List.of("-m", "4M"));
        }
        return line;
    }

    private String record(Path directory, String name) throws Exception {
        Path floppy = Files.createTempFile("dray-guest-", ".img");
        Files.write(floppy, TinyGuest.floppy());
        try (var qemu = RealQemu.start(version, guest(floppy))) {
            qemu.awaitSerial(".", 0, Duration.ofSeconds(60));
            Path socket = qemu.directory().resolve("stream");
            try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(socket));
                prepare(qemu.qmp());
                qemu.qmp().execute("migrate", "{\"uri\": \"unix:" + socket + "\"}");
                int count = mode.equals("multifd") ? 1 + MULTIFD_CHANNELS : 1;
                for (int i = 0; i < count; i++) {
                    connections.add(new Connection(server.accept()));
                }
            }
            converge(qemu.qmp());
            awaitSilence();
            String memory = mode.equals("background") ? "unknown, the guest ran on" : memoryHash(qemu);
            for (Connection c : connections) {
                c.close();
            }
            write(directory, name, qemu, memory);
            return connections.stream().map(c -> c.size() + " bytes").toList() + " " + qemu.status();
        } finally {
            Files.delete(floppy);
        }
    }

    private void prepare(QmpClient qmp) throws IOException {
        var on = new ArrayList<String>(List.of("events"));
        on.add(mode.equals("background") ? "background-snapshot" : "return-path");
        if (mode.equals("multifd")) {
            on.add("multifd");
        }
        var list = on.stream()
                .map(c -> "{\"capability\": \"" + c + "\", \"state\": true}")
                .toList();
        qmp.execute("migrate-set-capabilities", "{\"capabilities\": " + list + "}");
        String channels = mode.equals("multifd") ? ", \"multifd-channels\": " + MULTIFD_CHANNELS : "";
        String limits = rounds()
                // Too slow to converge: 512 KiB are dirty again before they are sent, and 10 ms hold 40 KiB. (With no
                // downtime at all QEMU 7.2 does not look for dirty pages a second time.)
                ? "{\"max-bandwidth\": 4194304, \"downtime-limit\": 10" + channels + "}"
                // The source stops its guest after the first slice.
                : "{\"max-bandwidth\": 0, \"downtime-limit\": 2000000" + channels + "}";
        qmp.execute("migrate-set-parameters", limits);
    }

    /// Whether the guest runs on for several rounds.
    private boolean rounds() {
        return mode.equals("live") || mode.equals("multifd");
    }

    private void converge(QmpClient qmp) throws IOException, InterruptedException {
        if (rounds()) {
            long until = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (System.nanoTime() < until && syncs(qmp) < ROUNDS) {
                Thread.sleep(10);
            }
            qmp.execute("migrate-set-parameters", "{\"max-bandwidth\": 0, \"downtime-limit\": 2000000}");
        }
    }

    private static int syncs(QmpClient qmp) throws IOException {
        return qmp.execute("query-migrate").path("ram").path("dirty-sync-count").asInt(0);
    }

    private void awaitSilence() throws InterruptedException {
        long last = -1;
        long now = connections.stream().mapToLong(Connection::size).sum();
        while (now != last) {
            last = now;
            Thread.sleep(SILENCE_MS);
            now = connections.stream().mapToLong(Connection::size).sum();
        }
    }

    /// Of guest-physical 0 … 640 KiB and 1 … 4 MiB, which are at the same offsets of RAM block `pc.ram`.
    private static String memoryHash(RealQemu qemu) throws IOException, NoSuchAlgorithmException {
        var hash = MessageDigest.getInstance("SHA-256");
        Path file = qemu.directory().resolve("memory");
        for (long[] range : new long[][] {{0, 640 << 10}, {1 << 20, 3 << 20}}) {
            qemu.qmp()
                    .execute(
                            "pmemsave",
                            "{\"val\": " + range[0] + ", \"size\": " + range[1] + ", \"filename\": \"" + file + "\"}");
            hash.update(Files.readAllBytes(file));
        }
        return HexFormat.of().formatHex(hash.digest());
    }

    private void write(Path directory, String name, RealQemu qemu, String memory) throws IOException {
        int channel = 0;
        for (Connection c : connections) {
            byte[] bytes = c.bytes();
            boolean isMain = bytes[0] == 'Q';
            // A further connection says its number in byte 24 of its hello.
            String suffix = isMain ? "" : "-channel" + bytes[24];
            channel += isMain ? 0 : 1;
            try (var out = new GZIPOutputStream(Files.newOutputStream(directory.resolve(name + suffix + ".bin.gz")))) {
                out.write(bytes);
            }
        }
        String version = qemu.qmp().execute("query-version").path("qemu").toString();
        String line =
                String.join(" ", qemu.commandLine()).replace(qemu.directory().toString(), "DIR");
        Files.writeString(
                directory.resolve(name + ".txt"),
                "qemu: " + version + "\nmode: " + mode + "\nchannels: " + channel + "\ncommand: " + line
                        + "\nmemory-sha256: " + memory + "\n");
    }

    /// One connection, read by a thread of its own. The main one's return path gets the answer to `PING 1`.
    private static final class Connection {
        private final SocketChannel channel;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Connection(SocketChannel channel) {
            this.channel = channel;
            Thread.ofVirtual().start(this::readAll);
        }

        private void readAll() {
            var buffer = ByteBuffer.allocate(1 << 18);
            try {
                while (channel.read(buffer.clear()) >= 0) {
                    boolean isFirst = bytes.size() == 0;
                    bytes.write(buffer.array(), 0, buffer.position());
                    if (isFirst && buffer.get(0) == 'Q') {
                        channel.write(ByteBuffer.wrap(new byte[] {0, 2, 0, 4, 0, 0, 0, 1}));
                    }
                }
            } catch (IOException e) {
                System.err.println("a connection ended: " + e);
            }
        }

        long size() {
            return bytes.size();
        }

        byte[] bytes() {
            return bytes.toByteArray();
        }

        void close() throws IOException {
            channel.close();
        }
    }
}
