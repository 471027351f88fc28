package dev.dray.snapshot;

import java.util.OptionalLong;

/// A piece of a guest's memory.
///
/// @param region the region's name
/// @param offset of its first byte in the region
/// @param bytes its length
/// @param gpa guest-physical address of its first byte, if known
public record GuestRange(String region, long offset, long bytes, OptionalLong gpa) {
    @Override
    public String toString() {
        String range = region + " 0x" + Long.toHexString(offset) + "+0x" + Long.toHexString(bytes);
        return gpa.isPresent() ? range + " (guest-physical 0x" + Long.toHexString(gpa.getAsLong()) + ")" : range;
    }
}
