package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/// Pages of a guest that has to go on before they can be stored: a bounded number of batches off the heap, made
/// as they are needed.
final class Staging implements AutoCloseable {
    /// Pages in one batch.
    static final int BATCH_PAGES = 256;

    private static final int ENTRIES = 2048;

    private final int batchesMax;
    private final ArrayBlockingQueue<PageBatch> empty;
    private final ArrayBlockingQueue<PageBatch> full;
    private final List<MemorySegment> slabs = new ArrayList<>();

    Staging(int batchesMax) {
        this.batchesMax = batchesMax;
        this.empty = new ArrayBlockingQueue<>(batchesMax);
        this.full = new ArrayBlockingQueue<>(batchesMax);
    }

    /// An empty batch; waits for one that [#storeOne] has emptied if there are no more.
    PageBatch take() throws InterruptedOperation {
        PageBatch made = empty.poll();
        if (made == null) {
            made = make();
        }
        try {
            PageBatch batch = made == null ? empty.take() : made;
            batch.clear();
            return batch;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation("Interrupted", "", e);
        }
    }

    private synchronized @Nullable PageBatch make() {
        if (slabs.size() == batchesMax) {
            return null;
        }
        MemorySegment slab = NativeMemory.map(BATCH_PAGES * PageSize.BYTES);
        slabs.add(slab);
        return new PageBatch(slab, ENTRIES);
    }

    void put(PageBatch batch) {
        full.add(batch);
    }

    /// Whether somebody who takes now has to wait.
    synchronized boolean isExhausted() {
        return slabs.size() == batchesMax && empty.isEmpty();
    }

    /// Hands one batch over to be stored.
    ///
    /// @return false if there is none
    boolean storeOne(PageFeed feed) throws DrayException {
        PageBatch batch = full.poll();
        if (batch == null) {
            return false;
        }
        feed.copy(batch);
        empty.add(batch);
        return true;
    }

    /// Only when no thread has a batch any more.
    @Override
    public synchronized void close() {
        slabs.forEach(NativeMemory::unmap);
        slabs.clear();
        empty.clear();
        full.clear();
    }
}
