package dev.dray.machine.cloudhypervisor;

import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.memory.GpaRange;
import java.util.ArrayList;
import java.util.List;

/// One piece of guest memory.
///
/// @param number the VMM's, not the same after each migration
/// @param fileOffset where it begins in the file behind it
record Slot(int number, long gpa, long bytes, String zone, long fileOffset) {
    /// Main memory above this continues at [#HIGH_GPA], as in a PC.
    static final long LOW_END = 3L << 30;

    static final long HIGH_GPA = 4L << 30;

    private static final int PIECE_SHIFT = 21;

    /// The slots of a new VM: zones one after the other, with a hole below 4 GiB.
    static List<Slot> layout(long memoryBytes, int zones) {
        List<Slot> slots = new ArrayList<>();
        long at = 0;
        for (int zone = 0; zone < zones; zone++) {
            long end = zone == zones - 1
                    ? memoryBytes
                    : ((memoryBytes / zones * (zone + 1)) >> PIECE_SHIFT) << PIECE_SHIFT;
            if (at < LOW_END && at < end) {
                slots.add(new Slot(slots.size(), at, Math.min(end, LOW_END) - at, "mem" + zone, 0));
            }
            if (end > LOW_END) {
                long from = Math.max(at, LOW_END);
                slots.add(new Slot(slots.size(), HIGH_GPA + from - LOW_END, end - from, "mem" + zone, 0));
            }
            at = end;
        }
        return slots;
    }

    MemoryBlock.Layout layout() {
        return new MemoryBlock.Layout(
                zone + "@0x" + Long.toHexString(gpa), bytes, bytes, false, List.of(new GpaRange(gpa, 0, bytes)));
    }

    boolean contains(long from, long count) {
        return from >= gpa && count >= 0 && from - gpa <= bytes && count <= bytes - (from - gpa);
    }
}
