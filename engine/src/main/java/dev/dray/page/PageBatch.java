package dev.dray.page;

import java.lang.foreign.MemorySegment;

/// Some hundred pages on their way, described by parallel arrays so that nothing is allocated per page. The
/// contents lie in the batch's own off-heap [#slab()], at any alignment. A batch is owned by one thread at a
/// time: whoever took it from a [PageDestination] fills it and submits it; then it is the destination's
/// again.
///
/// Invariant: for `i < count()`, `address(i)` is [#ZERO] or the address of 4096 readable bytes inside the slab.
public final class PageBatch {
    /// The address that stands for a page of zeros, of which no bytes exist.
    public static final long ZERO = 0;

    private final MemorySegment slab;
    private final int[] regions;
    private final long[] pages;
    private final long[] addresses;
    private int count;

    /// @param slab native memory for this batch's contents, valid as long as the batch
    /// @param capacity how many pages it can describe
    public PageBatch(MemorySegment slab, int capacity) {
        this.slab = slab;
        this.regions = new int[capacity];
        this.pages = new long[capacity];
        this.addresses = new long[capacity];
    }

    /// Room for contents, to be filled by the source in any way it likes.
    public MemorySegment slab() {
        return slab;
    }

    public int count() {
        return count;
    }

    /// How many pages it can describe.
    public int capacity() {
        return regions.length;
    }

    public boolean isFull() {
        return count == regions.length;
    }

    /// How many more pages it can describe.
    public int room() {
        return regions.length - count;
    }

    public void clear() {
        count = 0;
    }

    /// Adds a page: `address` of its bytes in the slab, or [#ZERO].
    public void add(int region, long page, long address) {
        regions[count] = region;
        pages[count] = page;
        addresses[count] = address;
        count++;
    }

    /// The region index of page `i`.
    public int region(int i) {
        return regions[i];
    }

    /// The page number of page `i` inside its region.
    public long page(int i) {
        return pages[i];
    }

    public long address(int i) {
        return addresses[i];
    }
}
