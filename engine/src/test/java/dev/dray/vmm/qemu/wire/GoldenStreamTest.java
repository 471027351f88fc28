package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.Gen;
import dev.dray.testbed.Golden;
import dev.dray.testbed.Golden.QemuStream;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Streams that real QEMUs sent, read by the reader and by [NaiveStream], and compared with what QEMU itself
/// said of the guest's memory.
class GoldenStreamTest {
    static Stream<QemuStream> oneConnection() {
        return Golden.qemuStreams().stream().filter(golden -> golden.channels() == 0);
    }

    static StreamForm form(QemuStream golden) {
        StreamForm form = golden.mode().equals("background") ? StreamForm.BACKGROUND : StreamForm.WAITING;
        return golden.channels() > 0 ? form.withMultifd() : form;
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void readsWhatANaiveParserReads(QemuStream golden) throws Exception {
        byte[] bytes = golden.main();
        var naive = new NaiveStream(bytes);
        var memory = new RecordedMemory();
        CapturedStream stream = read(ArraySource.of(bytes), golden, memory);

        assertThat(stream.configuration().machineType()).isEqualTo("pc-i440fx-" + golden.version());
        assertThat(stream.memory().regions().stream().map(r -> r.name() + " " + r.bytes()))
                .isEqualTo(naive.blocks());
        for (int i = 0; i < naive.memory().size(); i++) {
            assertThat(memory.region(i))
                    .as("block " + i)
                    .isEqualTo(naive.memory().get(i));
        }
        assertThat(new Bytes(16)
                        .put(stream.setupSections())
                        .put(stream.earlySections())
                        .copy())
                .isEqualTo(naive.early());
        assertThat(stream.deviceSections()).isEqualTo(naive.devices());
        assertThat(stream.description()).isEqualTo(naive.description());
        assertThat(memory.batchesOut()).isZero();
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void memoryIsWhatQemuSaysItIs(QemuStream golden) throws Exception {
        var memory = new RecordedMemory();
        CapturedStream stream = read(ArraySource.of(golden.main()), golden, memory);
        if (!golden.mode().equals("background")) {
            int ram = stream.memory().indexOf("pc.ram");
            assertThat(hash(memory.region(ram))).isEqualTo(golden.fact("memory-sha256"));
        }
    }

    static String hash(byte[] ram) throws Exception {
        var hash = MessageDigest.getInstance("SHA-256");
        hash.update(ram, 0, 640 << 10);
        hash.update(ram, 1 << 20, 3 << 20);
        return HexFormat.of().formatHex(hash.digest());
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void howTheBytesArriveMakesNoDifference(QemuStream golden) throws Exception {
        Gen gen = Gen.create("howTheBytesArriveMakesNoDifference " + golden);
        byte[] bytes = golden.main();
        var whole = new RecordedMemory();
        CapturedStream expected = read(ArraySource.of(bytes), golden, whole);
        for (int i = 0; i < 5; i++) {
            var memory = new RecordedMemory(gen.between(16, 600));
            CapturedStream stream = read(ArraySource.inPieces(bytes, gen), golden, memory);
            assertThat(stream.state().parts())
                    .as("%s", gen)
                    .usingRecursiveComparison()
                    .isEqualTo(expected.state().parts());
            assertThat(memory.events()).as("%s", gen).isEqualTo(whole.events());
            for (int r = 0; r < memory.regions().size(); r++) {
                assertThat(Arrays.equals(memory.region(r), whole.region(r)))
                        .as("%s", gen)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void everythingButPagesIsWrittenAsItWasRead(QemuStream golden) throws Exception {
        byte[] bytes = golden.main();
        CapturedStream stream = read(ArraySource.of(bytes), golden, new RecordedMemory());
        var written = new ByteArrayOutputStream();
        var writer = new StreamWriter(from -> written.writeBytes(from.toArray(ValueLayout.JAVA_BYTE)));
        writer.header();
        writer.configuration(stream.configuration());
        if (!golden.mode().equals("background")) {
            writer.command(new Command.OpenReturnPath());
            writer.command(new Command.Ping(1));
        }
        writer.sections(stream.setupSections());
        writer.memoryStart(stream.blocks(), false);
        writer.sections(stream.earlySections());
        writer.flush();
        assertThat(written.toByteArray()).isEqualTo(Arrays.copyOf(bytes, written.size()));

        written.reset();
        writer.sections(stream.deviceSections());
        writer.endOfSections();
        writer.description(stream.description());
        writer.flush();
        assertThat(written.toByteArray())
                .isEqualTo(Arrays.copyOfRange(bytes, bytes.length - written.size(), bytes.length));
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void theStateComesBackFromItsParts(QemuStream golden) throws Exception {
        CapturedStream stream = read(ArraySource.of(golden.main()), golden, new RecordedMemory());
        CapturedStream again = CapturedStream.of(stream.state());
        assertThat(again.sections()).isEqualTo(stream.sections());
        assertThat(again.blocks()).isEqualTo(stream.blocks());
        assertThat(again.state().parts())
                .usingRecursiveComparison()
                .isEqualTo(stream.state().parts());
    }

    @ParameterizedTest
    @MethodSource("oneConnection")
    void footersAloneSplitTheDevicesAlike(QemuStream golden) throws Exception {
        CapturedStream stream = read(ArraySource.of(golden.main()), golden, new RecordedMemory());
        // QEMU 10.0 sends virtio-mem's early section behind the memory layout, 11.1 before.
        boolean before = golden.version().equals("11.1");
        List<DeviceSection> early = DeviceTail.scan(before ? stream.setupSections() : stream.earlySections());
        List<DeviceSection> devices = DeviceTail.scan(stream.deviceSections());
        assertThat(Stream.concat(early.stream(), devices.stream())).isEqualTo(stream.sections());
        assertThat(early).hasSize(golden.mode().equals("virtio-mem") ? 1 : 0);
    }

    private static CapturedStream read(ByteSource in, QemuStream golden, RecordedMemory memory) throws Exception {
        return new StreamReader(in, form(golden), StreamLimits.DEFAULT, memory).read();
    }
}
