package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Ranges one behind the other, as a [Command#MEMORY] request has them. A table may have millions of them, and a
/// range twice: it is looked at where it lies, in its order. Later bytes win.
///
/// @param memory the table's bytes
/// @param count how many ranges it has
public record RangeTable(MemorySegment memory, int count) {
    /// How many ranges a request of this length has.
    public static int count(long length) throws PeerException {
        if (length % MemoryRange.BYTES != 0) {
            throw Refusal.broken(
                    "A table of memory ranges has " + Long.toUnsignedString(length) + " bytes, not a multiple of 16");
        }
        if (length < 0 || length > (long) WireLimits.TABLE_ENTRIES_MAX * MemoryRange.BYTES) {
            throw Refusal.broken("A table of memory ranges has " + Long.toUnsignedString(length) + " bytes, more than "
                    + WireLimits.TABLE_ENTRIES_MAX + " ranges");
        }
        return (int) (length / MemoryRange.BYTES);
    }

    /// The guest-physical address of range `i`.
    public long gpa(int i) {
        return memory.get(Wire.U64, (long) i * MemoryRange.BYTES);
    }

    /// The length of range `i`, as it arrived.
    public long bytes(int i) {
        return memory.get(Wire.U64, (long) i * MemoryRange.BYTES + 8);
    }

    public MemoryRange range(int i) {
        return new MemoryRange(gpa(i), bytes(i));
    }

    public List<MemoryRange> ranges() {
        List<MemoryRange> ranges = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ranges.add(range(i));
        }
        return ranges;
    }

    /// Writes ranges one behind the other.
    public static void write(List<MemoryRange> ranges, MemorySegment to, long offset) {
        long at = offset;
        for (MemoryRange range : ranges) {
            range.write(to, at);
            at += MemoryRange.BYTES;
        }
    }
}
