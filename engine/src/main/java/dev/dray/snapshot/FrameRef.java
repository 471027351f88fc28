package dev.dray.snapshot;

/// Where a frame of metadata lies: a table segment, a directory node, a piece of machine state.
///
/// @param pack the pack's name: 32 hex digits
/// @param offset of its first sealed byte in the pack
/// @param sealedBytes its length in the pack, tag included
/// @param plainBytes its length when opened and decompressed
/// @param compressed whether the payload is a zstd frame
public record FrameRef(String pack, int offset, int sealedBytes, int plainBytes, boolean compressed)
        implements TableRef {}
