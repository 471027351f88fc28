package dev.dray.snapshot;

import dev.dray.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Adds up the lengths of page frames, each counted once however many pages lie in it. Outside the heap, by
/// one thread.
final class FrameSet implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final MemorySegment slots;
    private final long count;
    private long bytes;

    /// @param frames how many it must take
    FrameSet(long frames) {
        count = Math.max(64, frames + frames / 3);
        slots = NativeMemory.map(count * Long.BYTES);
    }

    /// @param location of a page with content
    void add(long location) {
        long slot = Math.unsignedMultiplyHigh(location * SPREAD, count);
        while (true) {
            long found = slots.getAtIndex(LONG, slot);
            if (found == location) {
                return;
            }
            if (found == 0) {
                slots.setAtIndex(LONG, slot, location);
                bytes += Location.sealedBytes(location);
                return;
            }
            slot = slot + 1 == count ? 0 : slot + 1;
        }
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        NativeMemory.unmap(slots);
    }
}
