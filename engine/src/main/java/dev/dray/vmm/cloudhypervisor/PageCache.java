package dev.dray.vmm.cloudhypervisor;

import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Decoded pages that wait for the VMM to ask for them, each behind the head of its answer, so that one write gives it
/// away. Pages of zeros take no room. Any thread; a page's bytes belong to who put it, and then to who takes it.
final class PageCache implements AutoCloseable {
    private static final long STRIDE = ResponseHeader.BYTES + PageSize.BYTES;
    private static final long EMPTY = -1;

    private final MemorySegment slab;
    private final int[] freeSlots;
    private int free;

    /// Open addressing: page numbers, and the slot of each. Slot 0 is the page of zeros.
    private final long[] keys;

    private final int[] slots;

    PageCache(int capacity) {
        slab = NativeMemory.map((capacity + 1) * STRIDE);
        freeSlots = new int[capacity];
        for (int slot = capacity; slot >= 0; slot--) {
            new ResponseHeader(ResponseHeader.OK, PageSize.BYTES).write(slab, slot * STRIDE);
            if (slot > 0) {
                freeSlots[free++] = slot;
            }
        }
        keys = new long[Integer.highestOneBit(capacity) * 4];
        slots = new int[keys.length];
        Arrays.fill(keys, EMPTY);
    }

    /// Keeps a copy of a page; of zeros if the address is 0.
    void put(long page, long address) {
        int slot = address == 0 ? 0 : allocate();
        if (address != 0) {
            NativeMemory.copy(slab.address() + slot * STRIDE + ResponseHeader.BYTES, address, PageSize.BYTES);
        }
        synchronized (this) {
            int at = index(page);
            if (keys[at] == page) { // put again after a failure further on in its run
                release(slots[at]);
            }
            keys[at] = page;
            slots[at] = slot;
        }
    }

    /// The address of a page's answer, head and bytes, until [#remove].
    long answer(long page) {
        synchronized (this) {
            int at = index(page);
            if (keys[at] != page) {
                throw new IllegalStateException("page " + page + " is not in the cache");
            }
            return slab.address() + slots[at] * STRIDE;
        }
    }

    synchronized void remove(long page) {
        int hole = index(page);
        if (keys[hole] != page) {
            throw new IllegalStateException("page " + page + " is not in the cache");
        }
        release(slots[hole]);
        int at = hole;
        while (true) { // what was pushed on by the removed entry moves back
            at = (at + 1) & (keys.length - 1);
            if (keys[at] == EMPTY) {
                keys[hole] = EMPTY;
                return;
            }
            int home = home(keys[at]);
            if (((at - home) & (keys.length - 1)) >= ((at - hole) & (keys.length - 1))) {
                keys[hole] = keys[at];
                slots[hole] = slots[at];
                hole = at;
            }
        }
    }

    private synchronized int allocate() {
        if (free == 0) {
            throw new IllegalStateException("more pages than the cache has room for");
        }
        return freeSlots[--free];
    }

    private void release(int slot) {
        if (slot != 0) {
            freeSlots[free++] = slot;
        }
    }

    /// Where a page is, or would be put.
    private int index(long page) {
        int at = home(page);
        while (keys[at] != EMPTY && keys[at] != page) {
            at = (at + 1) & (keys.length - 1);
        }
        return at;
    }

    private int home(long page) {
        return (int) ((page * 0x9E3779B97F4A7C15L) >>> 40) & (keys.length - 1);
    }

    @Override
    public void close() {
        NativeMemory.unmap(slab);
    }
}
