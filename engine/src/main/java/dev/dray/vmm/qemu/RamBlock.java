package dev.dray.vmm.qemu;

/// One RAM block of a running QEMU, as `x-query-ramblock` prints it.
///
/// @param name QEMU's idstr
/// @param pageBytes size of its host pages
/// @param usedBytes what the migration stream will say of its length
/// @param maxBytes what it may grow to
record RamBlock(String name, long pageBytes, long usedBytes, long maxBytes) {}
