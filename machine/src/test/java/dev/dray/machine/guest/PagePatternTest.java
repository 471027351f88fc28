package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PagePatternTest {
    private static final long NUMBER = 0x12345;
    private static final int PASS = 7;

    private final PagePattern pattern = new PagePattern(Fill.INCOMPRESSIBLE);
    private final MemorySegment page = filled(pattern, NUMBER, PASS);

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithItsOwnPages(Fill fill) {
        PagePattern any = new PagePattern(fill);
        for (long number = 256; number < 512; number++) {
            MemorySegment own = filled(any, number, 0);
            assertThat(any.check(own, number, 0)).isEmpty();
            any.stamp(own, number, PASS);
            assertThat(any.check(own, number, PASS)).isEmpty();
        }
    }

    @Test
    void findsAZeroedPage() {
        page.fill((byte) 0);
        assertThat(wrong()).isEqualTo(Kind.ZEROED);
    }

    @Test
    void findsAStalePage() {
        pattern.stamp(page, NUMBER, PASS - 1);
        assertThat(wrong()).isEqualTo(Kind.STALE);
    }

    @Test
    void findsAnotherPagesContents() {
        page.copyFrom(filled(pattern, NUMBER + 1, PASS));
        assertThat(wrong()).isEqualTo(Kind.MOVED);
    }

    @Test
    void findsAMixtureOfTwoPassesWhereverItIsCut() {
        MemorySegment earlier = filled(pattern, NUMBER, PASS - 1);
        for (int cut = 4; cut <= PageSize.BYTES - PagePattern.BLOCK_BYTES; cut += 4) {
            MemorySegment mixed = MemorySegment.ofArray(page.toArray(JAVA_BYTE));
            mixed.asSlice(cut).copyFrom(earlier.asSlice(cut));
            assertThat(pattern.check(mixed, NUMBER, PASS).orElseThrow().kind())
                    .as("cut at %d", cut)
                    .isEqualTo(Kind.TORN);
        }
    }

    @Test
    void findsAPartThatWasLost() {
        for (int block = 0; block < PageSize.BYTES; block += PagePattern.BLOCK_BYTES) {
            MemorySegment lost = MemorySegment.ofArray(page.toArray(JAVA_BYTE));
            lost.asSlice(block, PagePattern.BLOCK_BYTES).fill((byte) 0);
            assertThat(pattern.check(lost, NUMBER, PASS).orElseThrow().kind()).isEqualTo(Kind.TORN);
        }
    }

    @Test
    void findsEveryFlippedBit() {
        for (int bit = 0; bit < 8 * PageSize.BYTES; bit++) {
            flip(bit);
            assertThat(pattern.check(page, NUMBER, PASS)).as("bit %d", bit).isPresent();
            flip(bit);
        }
        assertThat(pattern.check(page, NUMBER, PASS)).isEmpty();
    }

    @Test
    void findsContentWhereThereShouldBeNone() {
        PagePattern sparse = new PagePattern(Fill.MOSTLY_ZERO);
        long number = 256;
        while (sparse.kind(number) != PagePattern.PageKind.ZERO) {
            number++;
        }
        MemorySegment zero = filled(sparse, number, PASS);
        assertThat(sparse.check(zero, number, PASS)).isEmpty();
        zero.set(JAVA_BYTE, new Random(1).nextInt(PageSize.BYTES), (byte) 1);
        assertThat(sparse.check(zero, number, PASS).orElseThrow().kind()).isEqualTo(Kind.NOT_ZERO);
    }

    @Test
    void compressesAsItsFillSays() {
        assertThat(deflatedShare(Fill.INCOMPRESSIBLE)).isGreaterThan(0.98);
        assertThat(deflatedShare(Fill.COMPRESSIBLE)).isBetween(0.2, 0.35);
        assertThat(deflatedShare(Fill.HALF)).isBetween(0.55, 0.7);
        assertThat(deflatedShare(Fill.MOSTLY_ZERO)).isLessThan(0.12);
    }

    @Test
    void reportsReadBackWhatErrorsPrint() {
        PageError error = new PageError(0xcafe_f000L, Kind.TORN, -1, 3);
        assertThat(error).hasToString("Xcafef000 T ffffffff 00000003");
        assertThat(PageError.parse(error.toString())).contains(error);
    }

    private Kind wrong() {
        return pattern.check(page, NUMBER, PASS).orElseThrow().kind();
    }

    private void flip(int bit) {
        page.set(JAVA_BYTE, bit / 8, (byte) (page.get(JAVA_BYTE, bit / 8) ^ (1 << (bit % 8))));
    }

    private static MemorySegment filled(PagePattern pattern, long number, int pass) {
        MemorySegment page = MemorySegment.ofArray(new byte[PageSize.BYTES]);
        pattern.fill(page, number, pass);
        return page;
    }

    /// Compressed size of 16 MiB, compressed in pieces of 16 KiB, as a share of the whole.
    private static double deflatedShare(Fill fill) {
        PagePattern pattern = new PagePattern(fill);
        byte[] piece = new byte[4 * PageSize.BYTES];
        byte[] out = new byte[2 * piece.length];
        long deflated = 0;
        for (int first = 256; first < 256 + 4096; first += 4) {
            for (int i = 0; i < 4; i++) {
                MemorySegment page = MemorySegment.ofArray(piece).asSlice((long) i * PageSize.BYTES, PageSize.BYTES);
                pattern.fill(page, first + i, 0);
            }
            Deflater deflater = new Deflater(1);
            deflater.setInput(piece);
            deflater.finish();
            deflated += deflater.deflate(out);
            deflater.end();
        }
        return deflated / (1024.0 * piece.length);
    }
}
