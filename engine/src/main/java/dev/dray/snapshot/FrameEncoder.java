package dev.dray.snapshot;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.util.ZstdVersion;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// Turns page contents and metadata into payloads: compressed if that is worthwhile, else as they are. By one
/// thread.
final class FrameEncoder implements AutoCloseable {
    /// Levels below need no look at the page first: they give up on random data by themselves, faster than a
    /// look takes.
    private static final int SAMPLED_FROM_LEVEL = 1;

    /// After so many pages in a row that did not compress, only each [#TRIED_OF_REFUSED]th one is tried, until one
    /// does.
    /// Incompressible pages come in long runs: media, archives, ciphertext.
    private static final int REFUSED_RUN = 16;

    private static final int TRIED_OF_REFUSED = 4;

    private final @Nullable ZstdCompressCtx zstd;
    private final boolean sampled;
    private final boolean skips;
    private int refused;
    private final int[] histogram = new int[256];
    private boolean compressed;

    FrameEncoder(Compression compression) {
        int level = switch (compression) {
            case Compression.Auto _ -> Compression.AUTO_LEVEL;
            case Compression.None _ -> 0;
            case Compression.Zstd(int l) -> l;
        };
        zstd = level == 0 ? null : new ZstdCompressCtx();
        skips = compression instanceof Compression.Auto;
        sampled = level >= SAMPLED_FROM_LEVEL;
        if (zstd != null) {
            zstd.setLevel(level).setContentSize(true).setChecksum(false).setDictID(false);
        }
    }

    /// What, besides the pages of a pack, decides their payloads: equal settings and equal pages in equal order give
    /// equal payloads.
    static String settings(Compression compression) {
        return "zstd " + ZstdVersion.VERSION + " " + compression + " " + TRIED_OF_REFUSED + "/" + REFUSED_RUN;
    }

    /// The most bytes that [#encode] may touch at its destination.
    static int bound(int bytes) {
        return Math.toIntExact(Zstd.compressBound(bytes));
    }

    /// A new pack begins: what the pages before it were like must not decide its payloads.
    void beginPack() {
        refused = 0;
    }

    /// Writes a payload.
    ///
    /// @param source and `sourceOffset`, `bytes`: what to encode
    /// @param into and `intoOffset`: [#bound] bytes of room
    /// @return the payload's length; see also [#compressed()]
    int encode(ByteBuffer source, int sourceOffset, int bytes, ByteBuffer into, int intoOffset) {
        if (zstd != null && !isSkipped() && !(sampled && looksRandom(source, sourceOffset, bytes))) {
            int room = into.capacity() - intoOffset;
            int payload = zstd.compressDirectByteBuffer(into, intoOffset, room, source, sourceOffset, bytes);
            if (payload <= bytes - (bytes >> Format.WORTHWHILE_SHIFT)) {
                compressed = true;
                refused = 0;
                return payload;
            }
        }
        compressed = false;
        refused++;
        into.put(intoOffset, source, sourceOffset, bytes);
        return bytes;
    }

    private boolean isSkipped() {
        return skips && refused >= REFUSED_RUN && refused % TRIED_OF_REFUSED != 0;
    }

    /// Whether the last payload is compressed.
    boolean compressed() {
        return compressed;
    }

    /// Counts the bytes of eight samples of 64: random bytes spread evenly. Measured on guest memory, it
    /// never took a page for random that zstd could compress, and found 92 % of those that it could not.
    private boolean looksRandom(ByteBuffer source, int offset, int bytes) {
        if (bytes < 8 * 64) {
            return false;
        }
        java.util.Arrays.fill(histogram, 0);
        int step = bytes / 8;
        for (int sample = 0; sample < 8; sample++) {
            int from = offset + sample * step;
            for (int i = 0; i < 64; i++) {
                histogram[Byte.toUnsignedInt(source.get(from + i))]++;
            }
        }
        int squares = 0;
        for (int count : histogram) {
            squares += count * count;
        }
        return squares < RANDOM_SQUARES_MAX;
    }

    /// 512 random bytes give 1535 on average, with a deviation of 45.
    private static final int RANDOM_SQUARES_MAX = 1750;

    @Override
    public void close() {
        if (zstd != null) {
            zstd.close();
        }
    }
}
