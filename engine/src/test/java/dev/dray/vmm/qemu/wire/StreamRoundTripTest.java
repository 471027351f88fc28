package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import dev.dray.memory.PageKind;
import dev.dray.testbed.Gen;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// What the writer writes, the reader reads, however the bytes are cut on their way.
class StreamRoundTripTest {
    private static final int STREAMS = 150;

    @Test
    void readsWhatWasWritten() throws Exception {
        Gen all = Gen.create("readsWhatWasWritten");
        for (int i = 0; i < STREAMS; i++) {
            Gen gen = all.fork(i);
            var written = new RandomStream(gen);
            var memory = new RecordedMemory(gen.between(16, 400));
            var in = ArraySource.inPieces(written.bytes(), gen);
            CapturedStream read = new StreamReader(in, written.form, StreamLimits.DEFAULT, memory).read();
            assertThat(read.configuration().bytes()).as("%s", all).isEqualTo(written.configuration.bytes());
            assertThat(read.blocks()).as("%s", all).isEqualTo(written.blocks);
            assertThat(read.setupSections()).as("%s", all).isEqualTo(written.setup);
            assertThat(read.earlySections()).as("%s", all).isEqualTo(written.early);
            assertThat(read.deviceSections()).as("%s", all).isEqualTo(written.devices);
            assertThat(read.description()).as("%s", all).isEqualTo(written.description);
            for (int r = 0; r < written.memory.size(); r++) {
                assertThat(Arrays.equals(memory.region(r), written.memory.get(r)))
                        .as("%s", all)
                        .isTrue();
            }
            assertThat(memory.batchesOut()).as("%s", all).isZero();
        }
    }

    @Test
    void aStreamCutAnywhereIsRefused() throws Exception {
        Gen all = Gen.create("aStreamCutAnywhereIsRefused");
        var written = new RandomStream(all.fork(0));
        byte[] bytes = written.bytes();
        for (int i = 0; i < 2000; i++) {
            int cut = all.chance(0.5) ? all.between(0, bytes.length - 1) : bytes.length - 1 - (int) all.skewed(2000);
            var memory = new RecordedMemory();
            var in = ArraySource.of(Arrays.copyOf(bytes, Math.max(cut, 0)));
            var reader = new StreamReader(in, written.form, StreamLimits.DEFAULT, memory);
            assertThatThrownBy(reader::read).as("%s cut at %d", all, cut).isInstanceOf(PeerException.class);
            assertThat(memory.batchesOut()).as("%s cut at %d", all, cut).isZero();
        }
    }

    @Test
    void pagesOfASlabAreWrittenAsSinglePagesAre() throws Exception {
        Gen all = Gen.create("pagesOfASlabAreWrittenAsSinglePagesAre");
        for (int i = 0; i < 50; i++) {
            Gen gen = all.fork(i);
            var layout = new RandomStream(gen).blocks;
            int region = layout.map().regions().size() - 1;
            int count = (int) Math.min(layout.map().regions().getLast().pages(), 300);
            MemorySegment slab = MemorySegment.ofArray(gen.bytes(count * Wire.RECORD_BYTES));
            boolean sendZeros = gen.chance(0.5);
            byte[] kinds = kinds(gen, count);
            var expected = new ByteArrayOutputStream();
            var single = writer(expected, layout);
            for (int p = 0; p < count; p++) {
                if (kinds[p] == ordinal(PageKind.CONTENT)) {
                    single.page(region, p, slab.asSlice((long) p * Wire.RECORD_BYTES + Wire.RECORD_HEAD_BYTES, 4096));
                } else if (kinds[p] == ordinal(PageKind.ZERO) && sendZeros) {
                    single.zeroPage(region, p);
                }
            }
            single.flush();
            var found = new ByteArrayOutputStream();
            var runs = writer(found, layout);
            runs.pages(region, 0, count, slab, kinds, sendZeros);
            runs.flush();
            assertThat(Arrays.equals(found.toByteArray(), expected.toByteArray()))
                    .as("%s", all)
                    .isTrue();
        }
    }

    private static byte[] kinds(Gen gen, int count) {
        var kinds = new byte[count];
        PageKind kind = PageKind.CONTENT;
        for (int p = 0; p < count; p++) {
            kind = gen.chance(0.1) ? gen.oneOf(PageKind.values()) : kind;
            kinds[p] = ordinal(kind);
        }
        return kinds;
    }

    @SuppressWarnings("EnumOrdinal") // what a PageReader gives
    private static byte ordinal(PageKind kind) {
        return (byte) kind.ordinal();
    }

    private static StreamWriter writer(ByteArrayOutputStream out, RamBlocks layout) throws PeerException {
        var writer = new StreamWriter(from -> out.writeBytes(from.toArray(ValueLayout.JAVA_BYTE)));
        writer.memoryStart(layout, false);
        writer.beginPart();
        return writer;
    }
}
