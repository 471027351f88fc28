package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import org.jspecify.annotations.Nullable;

/// Fills one batch after the other for a destination. One thread's.
final class PageFeed {
    private final PageDestination destination;
    private @Nullable PageBatch batch;
    private long used;

    PageFeed(PageDestination destination) {
        this.destination = destination;
    }

    private PageBatch batch() throws DrayException {
        PageBatch current = batch;
        if (current == null) {
            current = destination.take();
            batch = current;
            used = 0;
        }
        return current;
    }

    /// For how many pages' contents there is room in one piece, at least one; waits for a batch if there is
    /// none.
    int room() throws DrayException {
        PageBatch current = batch();
        if (room(current) == 0) {
            submit();
            current = batch();
        }
        return room(current);
    }

    private int room(PageBatch current) {
        return (int) Math.min(
                (current.slab().byteSize() - used) / PageSize.BYTES, (long) current.capacity() - current.count());
    }

    /// A place for the contents of so many pages, of which there is room.
    long reserve(int pages) throws DrayException {
        long address = batch().slab().address() + used;
        used += (long) pages * PageSize.BYTES;
        return address;
    }

    /// The batch that [#reserve] was of, for who looks at the contents in Java.
    PageBatch current() throws DrayException {
        return batch();
    }

    /// Adds a page whose contents lie in a reserved place.
    void add(int region, long page, long address) throws DrayException {
        batch().add(region, page, address);
    }

    /// Adds a page of zeros.
    void addZero(int region, long page) throws DrayException {
        if (batch().isFull()) {
            submit();
        }
        batch().add(region, page, PageBatch.ZERO);
    }

    /// Adds a copy of all pages of another batch.
    void copy(PageBatch from) throws DrayException {
        for (int i = 0; i < from.count(); i++) {
            if (from.address(i) == PageBatch.ZERO) {
                addZero(from.region(i), from.page(i));
            } else {
                room();
                long address = reserve(1);
                NativeMemory.copy(address, from.address(i), PageSize.BYTES);
                add(from.region(i), from.page(i), address);
            }
        }
    }

    /// Hands over what was added so far.
    void submit() throws DrayException {
        PageBatch current = batch;
        batch = null;
        if (current != null && current.count() > 0) {
            destination.submit(current);
        } else if (current != null) {
            destination.giveBack(current);
        }
    }
}
