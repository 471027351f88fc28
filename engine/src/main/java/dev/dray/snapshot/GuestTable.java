package dev.dray.snapshot;

import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageKind;
import dev.dray.page.PageBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Where each page of a guest that is being captured lies: 12 bytes a page outside the heap. Workers finish
/// in any order, so each entry remembers the number of the batch it came from, and one of an earlier batch
/// never replaces one of a later: the submission that came last counts.
final class GuestTable implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private final GuestMemoryMap memory;

    /// Index of a region's first page among all pages.
    private final long[] bases;

    private final MemorySegment both;
    private final MemorySegment locations;
    private final MemorySegment batches;
    private final Object lock = new Object();

    GuestTable(GuestMemoryMap memory) {
        this.memory = memory;
        bases = new long[memory.regions().size() + 1];
        for (int i = 0; i < memory.regions().size(); i++) {
            bases[i + 1] = bases[i] + memory.regions().get(i).pages();
        }
        long pages = Math.max(1, bases[bases.length - 1]);
        both = NativeMemory.map(pages * (Long.BYTES + Integer.BYTES));
        locations = both.asSlice(0, pages * Long.BYTES);
        batches = both.asSlice(pages * Long.BYTES);
    }

    GuestMemoryMap memory() {
        return memory;
    }

    long pages() {
        return bases[bases.length - 1];
    }

    /// Throws if the page is none of the guest's: its source must have checked that.
    void check(int region, long page) {
        if (region < 0 || region >= bases.length - 1 || page < 0 || page >= bases[region + 1] - bases[region]) {
            throw new IllegalArgumentException("page " + page + " of region " + region);
        }
    }

    /// Enters what became of a batch.
    ///
    /// @param number of the batch, from 1, unsigned
    /// @param found the pages' locations, in the batch's order
    void record(PageBatch batch, int number, long[] found) {
        synchronized (lock) {
            for (int i = 0; i < batch.count(); i++) {
                long index = bases[batch.region(i)] + batch.page(i);
                if (Integer.compareUnsigned(batches.getAtIndex(INT, index), number) <= 0) {
                    batches.setAtIndex(INT, index, number);
                    locations.setAtIndex(LONG, index, found[i]);
                }
            }
        }
    }

    /// Copies the entries of a segment.
    ///
    /// @return their common kind if all are of one and none is content, else CONTENT
    PageKind segment(int region, int segment, int pages, long[] into) {
        long first = bases[region] + (long) segment * Format.SEGMENT_PAGES;
        MemorySegment.copy(locations, LONG, first * Long.BYTES, into, 0, pages);
        for (int i = 0; i < pages; i++) {
            if (into[i] != into[0] || Location.isContent(into[i])) {
                return PageKind.CONTENT;
            }
        }
        return PageKind.values()[Location.kind(into[0])];
    }

    @Override
    public void close() {
        NativeMemory.unmap(both);
    }
}
