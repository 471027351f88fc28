package dev.dray.snapshot;

/// What a sealed piece of a pack is. The number is the high part of its nonce, so a piece of one kind cannot
/// stand for another; the low part is its offset in the pack. Numbers are never used again.
enum FrameKind {
    /// One page of guest memory.
    PAGE(1),
    /// A segment of a page table.
    SEGMENT(2),
    /// A directory node of a page table.
    NODE(3),
    /// A piece of machine state.
    STATE(4),
    /// A piece of a snapshot's list of packs.
    PACK_LIST(5),
    /// A pack's directory; not listed in it.
    DIRECTORY(14),
    /// A pack's trailer; not listed in its directory.
    TRAILER(15);

    private static final FrameKind[] BY_NUMBER = new FrameKind[16];

    static {
        for (FrameKind kind : values()) {
            BY_NUMBER[kind.number] = kind;
        }
    }

    final int number;

    FrameKind(int number) {
        this.number = number;
    }

    /// The kind of a directory entry with this number, or null if there is none.
    static @org.jspecify.annotations.Nullable FrameKind ofEntry(int number) {
        FrameKind kind = number < 0 || number > 15 ? null : BY_NUMBER[number];
        return kind == DIRECTORY || kind == TRAILER ? null : kind;
    }
}
