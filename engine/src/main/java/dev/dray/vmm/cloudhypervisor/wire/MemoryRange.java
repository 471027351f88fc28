package dev.dray.vmm.cloudhypervisor.wire;

import java.lang.foreign.MemorySegment;

/// A piece of guest memory: `u64 gpa, u64 length`, 16 bytes.
///
/// @param gpa guest-physical address of its first byte
/// @param bytes length
public record MemoryRange(long gpa, long bytes) {
    public static final int BYTES = 16;

    public static MemoryRange read(MemorySegment from, long offset) {
        return new MemoryRange(from.get(Wire.U64, offset), from.get(Wire.U64, offset + 8));
    }

    public void write(MemorySegment to, long offset) {
        to.set(Wire.U64, offset, gpa);
        to.set(Wire.U64, offset + 8, bytes);
    }
}
