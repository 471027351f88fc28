package dev.dray.snapshot;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Numbers of the repository's format that more than one object shares, and its limits. Each limit is checked
/// before anything is allocated by a number that was read. docs/formats/repository-v1.md has the same tables,
/// and a test holds the two together.
final class Format {
    /// Written into every object; a reader refuses higher ones by name.
    static final int VERSION = 1;

    /// Authentication tag at the end of everything that is sealed.
    static final int TAG_BYTES = 16;

    /// Length of repository ids, salts, names of packs, snapshots and sessions, and identities.
    static final int ID_BYTES = 16;

    /// The longest pack. Writers aim at [#PACK_BYTES_TARGET]; the rest is room for later writers. Offsets in
    /// packs have 25 bits.
    static final int PACK_BYTES_MAX = 32 << 20;

    /// Large enough that a write is dominated by its bytes, small enough that a few fit in memory and that a
    /// PUT to object storage can be repeated.
    static final int PACK_BYTES_TARGET = 16 << 20;

    /// Most frames in a pack: its directory then has at most 1.25 MiB.
    static final int PACK_FRAMES_MAX = 1 << 16;

    /// Pages in one segment of a page table: 16 MiB of guest memory.
    static final int SEGMENT_PAGES = 4096;

    /// Segments in one directory node: 16 GiB of guest memory.
    static final int NODE_SEGMENTS = 1024;

    /// Pages under one directory node.
    static final long NODE_PAGES = (long) SEGMENT_PAGES * NODE_SEGMENTS;

    /// Longest opened frame of metadata. Machine state is cut into pieces of this length.
    static final int METADATA_BYTES_MAX = 1 << 20;

    /// Pack names in one piece of a snapshot's list of packs.
    static final int PACK_LIST_COUNT_MAX = METADATA_BYTES_MAX / ID_BYTES;

    /// Longest manifest: 1 MiB of facts, 64 roots a TiB, 1024 pieces a GiB of machine state.
    static final int MANIFEST_BYTES_MAX = 16 << 20;

    /// Most pages in one working set: 4 GiB of guest memory, in an object of 12 MiB.
    static final int WORKING_SET_PAGES_MAX = 1 << 20;

    /// Longest clear part of an object: a key slot.
    static final int CLEAR_BYTES_MAX = 16 << 10;

    /// A page is stored compressed if that saves at least this share of it: 1/16.
    static final int WORTHWHILE_SHIFT = 4;

    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;

    private Format() {}
}
