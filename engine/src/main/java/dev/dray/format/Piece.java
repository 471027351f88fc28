package dev.dray.format;

import java.nio.file.Path;

/// A piece of guest memory in a file.
///
/// @param file that has it
/// @param fileOffset of its first byte there
/// @param region index of the region that it belongs to
/// @param regionOffset of its first byte there, a multiple of the page size
/// @param bytes length, a multiple of the page size
record Piece(Path file, long fileOffset, int region, long regionOffset, long bytes) {}
