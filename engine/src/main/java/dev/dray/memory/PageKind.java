package dev.dray.memory;

/// What a snapshot or a stream knows of one page.
public enum PageKind {
    /// Not part of the snapshot; a restored guest sees zeros.
    ABSENT,
    /// Its 4096 bytes are stored.
    CONTENT,
    /// All zeros, stored as a mark only.
    ZERO,
    /// Given back by the guest (ballooned); a restored guest sees zeros.
    REMOVED
}
