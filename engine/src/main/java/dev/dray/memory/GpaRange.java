package dev.dray.memory;

/// Where a part of a region appears in the guest's physical address space.
///
/// @param gpa guest-physical address of the first byte, unsigned
/// @param offset offset of that byte inside the region
/// @param bytes length
public record GpaRange(long gpa, long offset, long bytes) {}
