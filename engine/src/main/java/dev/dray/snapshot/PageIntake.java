package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Where a source puts pages: a fixed set of batches that go round between it and the workers. After a
/// failure the workers only hand batches back, so that the source never waits for them in vain.
final class PageIntake implements PageDestination {
    /// Contents in one batch: enough that handing it over costs nothing, and little enough that a few batches
    /// in flight are bounded memory. A little more than 1 MiB, for what a source reads beyond.
    static final int SLAB_BYTES = (1 << 20) + (64 << 10);

    /// Pages in one batch; more than fit in the slab, because pages of zeros have no contents.
    static final int BATCH_PAGES = 2048;

    /// What a worker takes: a batch, or null for the end.
    record Work(@Nullable PageBatch batch, int number) {}

    private final GuestTable table;
    private final List<MemorySegment> slabs = new ArrayList<>();
    private final ArrayBlockingQueue<PageBatch> free;
    private final ArrayBlockingQueue<Work> queue;
    private final int workers;
    private final Object monitor = new Object();
    private final AtomicLong pagesIn = new AtomicLong();

    private int submitted;
    private int finished;
    private @Nullable Throwable failure;

    PageIntake(GuestTable table, int batches, int workers) {
        this.table = table;
        this.workers = workers;
        free = new ArrayBlockingQueue<>(batches);
        queue = new ArrayBlockingQueue<>(batches + workers);
        for (int i = 0; i < batches; i++) {
            MemorySegment slab = NativeMemory.map(SLAB_BYTES);
            slabs.add(slab);
            free.add(new PageBatch(slab, BATCH_PAGES));
        }
    }

    long pagesIn() {
        return pagesIn.get();
    }

    @Override
    public int batches() {
        return slabs.size();
    }

    @Override
    public PageBatch take() throws DrayException {
        rethrow();
        try {
            PageBatch batch = free.take();
            batch.clear();
            return batch;
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public void submit(PageBatch batch) throws DrayException {
        for (int i = 0; i < batch.count(); i++) {
            table.check(batch.region(i), batch.page(i));
        }
        pagesIn.addAndGet(batch.count());
        int number;
        synchronized (monitor) {
            number = ++submitted;
        }
        if (number == -1) {
            throw new IllegalStateException("4294967295 batches in one capture");
        }
        queue.add(new Work(batch, number));
        rethrow();
    }

    @Override
    public void giveBack(PageBatch batch) {
        batch.clear();
        free.add(batch);
    }

    @Override
    public void drain() throws DrayException {
        synchronized (monitor) {
            while (finished != submitted) {
                try {
                    monitor.wait();
                } catch (InterruptedException e) {
                    throw interrupted(e);
                }
            }
        }
        rethrow();
    }

    /// The next piece of work, for workers.
    Work next() throws InterruptedException {
        return queue.take();
    }

    /// A worker is done with a batch, well or not.
    void done(PageBatch batch) {
        free.add(batch);
        synchronized (monitor) {
            finished++;
            monitor.notifyAll();
        }
    }

    /// Remembers the first failure; later ones are added to it.
    void fail(Throwable cause) {
        synchronized (monitor) {
            if (failure == null) {
                failure = cause;
            } else if (!failure.equals(cause)) {
                failure.addSuppressed(cause);
            }
        }
    }

    boolean failed() {
        synchronized (monitor) {
            return failure != null;
        }
    }

    /// Tells every worker to write its last pack and end.
    void end() {
        for (int i = 0; i < workers; i++) {
            queue.add(new Work(null, 0));
        }
    }

    void rethrow() throws DrayException {
        Throwable cause;
        synchronized (monitor) {
            cause = failure;
        }
        if (cause instanceof DrayException expected) {
            throw expected;
        }
        if (cause != null) {
            throw new IllegalStateException("A writer's worker failed", cause);
        }
    }

    static InterruptedOperation interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new InterruptedOperation("Interrupted while writing the snapshot", "", cause);
    }

    /// Frees the batches; no thread may use one any more.
    void free() {
        slabs.forEach(NativeMemory::unmap);
        slabs.clear();
    }

    /// The place of an address in a slab.
    static int slabOffset(PageBatch batch, long address) {
        long offset = address - batch.slab().address();
        if (offset < 0 || offset > SLAB_BYTES - PageSize.BYTES) {
            throw new IllegalArgumentException("a page at " + offset + " of a slab of " + SLAB_BYTES);
        }
        return (int) offset;
    }
}
