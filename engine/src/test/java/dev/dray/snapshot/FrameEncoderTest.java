package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.memory.PageSize;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FrameEncoderTest {
    private static final int PAGES = 64;

    private final ByteBuffer random = ByteBuffer.allocateDirect(PageSize.BYTES);
    private final ByteBuffer regular = ByteBuffer.allocateDirect(PageSize.BYTES);
    private final ByteBuffer into = ByteBuffer.allocateDirect(FrameEncoder.bound(PageSize.BYTES));

    FrameEncoderTest() {
        new SplittableRandom(1).longs(PageSize.BYTES / Long.BYTES).forEach(word -> random.putLong(word));
        for (int i = 0; i < PageSize.BYTES; i++) {
            regular.put((byte) (i / 16));
        }
    }

    @Test
    void findsTheEndOfALongRunOfRandomPages() {
        try (var encoder = new FrameEncoder(new Compression.Auto())) {
            encoder.beginPack();
            assertThat(compressed(encoder, random)).doesNotContain(true);
            List<Boolean> after = compressed(encoder, regular);
            int first = after.indexOf(true);
            assertThat(first).isBetween(0, 3);
            assertThat(after.subList(first, PAGES)).doesNotContain(false);
        }
    }

    @Test
    void triesEveryPageAtALevelThatWasAskedFor() {
        try (var encoder = new FrameEncoder(new Compression.Zstd(-1))) {
            encoder.beginPack();
            compressed(encoder, random);
            assertThat(compressed(encoder, regular)).doesNotContain(false);
        }
    }

    @Test
    void whatAPackHoldsDoesNotDependOnThePacksBefore() {
        try (var encoder = new FrameEncoder(new Compression.Auto())) {
            compressed(encoder, random);
            encoder.beginPack();
            assertThat(compressed(encoder, regular)).doesNotContain(false);
        }
    }

    private List<Boolean> compressed(FrameEncoder encoder, ByteBuffer page) {
        List<Boolean> all = new ArrayList<>();
        for (int i = 0; i < PAGES; i++) {
            int bytes = encoder.encode(page, 0, PageSize.BYTES, into, 0);
            all.add(encoder.compressed());
            assertThat(bytes == PageSize.BYTES).isNotEqualTo(encoder.compressed());
        }
        return all;
    }
}
