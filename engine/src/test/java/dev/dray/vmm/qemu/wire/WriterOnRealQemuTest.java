package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.PeerException;
import dev.dray.memory.PageSize;
import dev.dray.testbed.Golden;
import dev.dray.testbed.Golden.QemuStream;
import dev.dray.testbed.RealQemu;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Real QEMUs load what the writers write, and hold the memory that the recorded QEMU had.
@Tag("vmm")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WriterOnRealQemuTest {
    private static final int CHANNELS = 2;
    private static final byte CONTENT = 1;
    private static final byte ABSENT = 0;

    @TempDir
    private Path directory;

    static Stream<QemuStream> streams() {
        return Golden.qemuStreams().stream()
                .filter(golden -> golden.mode().equals("live") || golden.mode().equals("virtio-mem"));
    }

    @ParameterizedTest
    @MethodSource("streams")
    void oneConnection(QemuStream golden) throws Exception {
        restore(golden, 0);
    }

    @ParameterizedTest
    @MethodSource("streams")
    void severalConnections(QemuStream golden) throws Exception {
        restore(golden, CHANNELS);
    }

    private void restore(QemuStream golden, int channels) throws Exception {
        RealQemu.Version version = Arrays.stream(RealQemu.Version.values())
                .filter(v -> v.number().equals(golden.version()))
                .findFirst()
                .orElseThrow();
        Assumptions.assumeTrue(version.binary().isPresent(), "no QEMU " + golden.version());
        var memory = new RecordedMemory();
        var reader = new StreamReader(
                ArraySource.of(golden.main()), GoldenStreamTest.form(golden), StreamLimits.DEFAULT, memory);
        CapturedStream stream = reader.read();
        try (var qemu = RealQemu.start(version, arguments(golden))) {
            Path socket = qemu.directory().resolve("incoming");
            if (channels > 0) {
                qemu.qmp()
                        .execute(
                                "migrate-set-capabilities",
                                "{\"capabilities\": [{\"capability\": \"multifd\", \"state\": true}]}");
                qemu.qmp().execute("migrate-set-parameters", "{\"multifd-channels\": " + channels + "}");
            }
            qemu.qmp().execute("migrate-incoming", "{\"uri\": \"unix:" + socket + "\"}");
            // A guest that is stopped on its way in stays as it was recorded.
            qemu.qmp().execute("stop");
            send(stream, memory, socket, channels, golden);
            awaitStatus(qemu, "paused");
            assertThat(memoryHash(qemu)).isEqualTo(golden.fact("memory-sha256"));
            qemu.qmp().execute("cont");
            qemu.awaitSerial(".", 0, Duration.ofSeconds(30));
        }
    }

    private List<String> arguments(QemuStream golden) throws IOException {
        Path floppy = Files.write(directory.resolve("floppy.img"), new byte[512]);
        String line = golden.fact("command");
        var arguments = new ArrayList<>(List.of(line.substring(line.indexOf("-machine"))
                .replace("file=GUEST", "file=" + floppy)
                .split(" ", -1)));
        arguments.addAll(List.of("-incoming", "defer"));
        return arguments;
    }

    private static void send(CapturedStream stream, RecordedMemory memory, Path socket, int channels, QemuStream golden)
            throws Exception {
        boolean flush = channels > 0 && !golden.version().equals("7.2");
        try (SocketChannel main = connect(socket)) {
            var to = new StreamWriter(sink(main));
            to.header();
            to.flush();
            var sockets = new ArrayList<SocketChannel>();
            var packets = new ArrayList<MultifdWriter>();
            for (int i = 0; i < channels; i++) {
                sockets.add(connect(socket));
                packets.add(new MultifdWriter(sink(sockets.get(i)), i, stream.memory()));
                packets.get(i).hello();
            }
            to.configuration(stream.configuration());
            to.sections(stream.setupSections());
            to.memoryStart(stream.blocks(), flush);
            to.sections(stream.earlySections());
            to.flush(); // QEMU's connections wait at the barrier until its main one has come to it
            syncAll(packets);
            if (channels == 0) {
                to.beginPart();
            }
            for (int r = 0; r < memory.regions().size(); r++) {
                pages(to, packets, r, memory.region(r));
            }
            if (channels == 0) {
                to.endSection();
            }
            syncAll(packets);
            to.beginEnd();
            if (flush) {
                to.multifdFlush();
            }
            to.endSection();
            to.sections(stream.deviceSections());
            to.endOfSections();
            to.description(stream.description());
            to.flush();
            main.shutdownOutput();
            for (SocketChannel channel : sockets) {
                channel.shutdownOutput();
            }
            ByteBuffer nothing = ByteBuffer.allocate(1);
            assertThat(main.read(nothing)).as("QEMU says nothing, and closes").isNegative();
            for (SocketChannel channel : sockets) {
                channel.close();
            }
        }
    }

    private static void syncAll(List<MultifdWriter> packets) throws PeerException {
        for (MultifdWriter packet : packets) {
            packet.sync();
        }
    }

    private static void pages(StreamWriter to, List<MultifdWriter> packets, int region, byte[] bytes) throws Exception {
        int pages = bytes.length / PageSize.BYTES;
        int batch = MultifdWriter.PACKET_PAGES;
        for (int first = 0; first < pages; first += batch) {
            int count = Math.min(batch, pages - first);
            int stride = packets.isEmpty() ? Wire.RECORD_BYTES : PageSize.BYTES;
            int head = packets.isEmpty() ? Wire.RECORD_HEAD_BYTES : 0;
            byte[] slab = new byte[count * stride];
            byte[] kinds = new byte[count];
            for (int i = 0; i < count; i++) {
                byte[] page = Arrays.copyOfRange(bytes, (first + i) * 4096, (first + i + 1) * 4096);
                kinds[i] = Arrays.equals(page, new byte[4096]) ? ABSENT : CONTENT;
                System.arraycopy(page, 0, slab, i * stride + head, PageSize.BYTES);
            }
            if (packets.isEmpty()) {
                to.pages(region, first, count, MemorySegment.ofArray(slab), kinds, false);
            } else {
                packets.get(first / batch % packets.size())
                        .pages(region, first, count, MemorySegment.ofArray(slab), kinds);
            }
        }
    }

    private static SocketChannel connect(Path socket) throws IOException {
        var channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    private static ByteSink sink(SocketChannel channel) {
        return from -> {
            try {
                ByteBuffer bytes = from.asByteBuffer();
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            } catch (IOException e) {
                throw new PeerException("QEMU broke the connection: " + e.getMessage(), "", e);
            }
        };
    }

    private static void awaitStatus(RealQemu qemu, String wanted) throws Exception {
        for (int i = 0; !qemu.status().equals(wanted); i++) {
            assertThat(i)
                    .as("%s instead of %s\n%s", qemu.status(), wanted, qemu.output())
                    .isLessThan(6000);
            Thread.sleep(10);
        }
    }

    private static String memoryHash(RealQemu qemu) throws Exception {
        byte[] ram = new byte[4 << 20];
        Path file = qemu.directory().resolve("memory");
        for (int[] range : new int[][] {{0, 640 << 10}, {1 << 20, 3 << 20}}) {
            qemu.qmp()
                    .execute(
                            "pmemsave",
                            "{\"val\": " + range[0] + ", \"size\": " + range[1] + ", \"filename\": \"" + file + "\"}");
            System.arraycopy(Files.readAllBytes(file), 0, ram, range[0], range[1]);
        }
        return GoldenStreamTest.hash(ram);
    }
}
