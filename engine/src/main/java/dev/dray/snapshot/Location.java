package dev.dray.snapshot;

import dev.dray.memory.PageKind;

/// What is known of one page, in one `long`, so that tables of them need no objects.
///
/// | bits | field      | meaning                                                    |
/// |-----:|------------|------------------------------------------------------------|
/// |  0–1 | kind       | ordinal of [PageKind]; all other bits are zero unless CONTENT |
/// |    2 | compressed | the payload is a zstd frame                                |
/// | 3–15 | sealed     | sealed bytes, tag included, at most 8191                   |
/// | 16–40 | offset    | of the first sealed byte in the pack                       |
/// | 41–63 | pack      | index into the owner's list of packs                       |
///
/// It lives in memory only; see [SegmentCodec] for what is stored.
final class Location {
    static final long ABSENT = PageKind.ABSENT.ordinal();
    static final long ZERO = PageKind.ZERO.ordinal();
    static final long REMOVED = PageKind.REMOVED.ordinal();
    static final long CONTENT = PageKind.CONTENT.ordinal();

    static final int SEALED_MAX = (1 << 13) - 1;
    static final int OFFSET_MAX = (1 << 25) - 1;
    static final int PACK_MAX = (1 << 23) - 1;

    private static final long COMPRESSED = 1L << 2;
    private static final int SEALED_SHIFT = 3;
    private static final int OFFSET_SHIFT = 16;
    private static final int PACK_SHIFT = 41;

    private Location() {}

    static long content(int pack, int offset, int sealedBytes, boolean compressed) {
        return CONTENT
                | (compressed ? COMPRESSED : 0)
                | (long) sealedBytes << SEALED_SHIFT
                | (long) offset << OFFSET_SHIFT
                | (long) pack << PACK_SHIFT;
    }

    static int kind(long location) {
        return (int) (location & 3);
    }

    static boolean isContent(long location) {
        return (location & 3) == CONTENT;
    }

    static boolean compressed(long location) {
        return (location & COMPRESSED) != 0;
    }

    static int sealedBytes(long location) {
        return (int) (location >>> SEALED_SHIFT) & SEALED_MAX;
    }

    static int offset(long location) {
        return (int) (location >>> OFFSET_SHIFT) & OFFSET_MAX;
    }

    static int end(long location) {
        return offset(location) + sealedBytes(location);
    }

    static int pack(long location) {
        return (int) (location >>> PACK_SHIFT);
    }

    static long withPack(long location, int pack) {
        return (location & ((1L << PACK_SHIFT) - 1)) | ((long) pack << PACK_SHIFT);
    }
}
