package dev.dray.vmm.cloudhypervisor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.dray.linux.NativeMemory;
import dev.dray.page.WorkingSet;
import java.lang.foreign.MemorySegment;

/// Notes which pages the guest asked for, in its order. Off the heap, so that noting one allocates nothing. Belongs to
/// one thread; read when that has ended.
final class AskedPages implements AutoCloseable {
    private static final int ENTRY_BYTES = 16;
    private static final long MICROS_MASK = 0xFFFF_FFFFL;

    private final MemorySegment entries = NativeMemory.map((long) WorkingSet.PAGES_MAX * ENTRY_BYTES);
    private int count;

    /// @param micros since the guest was let run
    void add(int region, long page, long micros) {
        if (count < WorkingSet.PAGES_MAX) {
            long at = (long) count * ENTRY_BYTES;
            long when = Math.min(Math.max(0, micros), Integer.MAX_VALUE);
            entries.set(JAVA_LONG, at, page);
            entries.set(JAVA_LONG, at + Long.BYTES, (long) region << Integer.SIZE | when);
            count++;
        }
    }

    WorkingSet workingSet() {
        int[] regions = new int[count];
        long[] pages = new long[count];
        int[] micros = new int[count];
        for (int i = 0; i < count; i++) {
            long at = (long) i * ENTRY_BYTES;
            long second = entries.get(JAVA_LONG, at + Long.BYTES);
            pages[i] = entries.get(JAVA_LONG, at);
            regions[i] = (int) (second >>> Integer.SIZE);
            micros[i] = (int) (second & MICROS_MASK);
        }
        return WorkingSet.of(regions, pages, micros, count);
    }

    @Override
    public void close() {
        NativeMemory.unmap(entries);
    }
}
