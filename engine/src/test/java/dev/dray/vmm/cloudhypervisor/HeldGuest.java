package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// A store that keeps a guest on the heap, with few batches, and fails where it is told to.
final class HeldGuest implements CaptureStore, PageDestination, AutoCloseable {
    private static final int BATCHES = 3;
    private static final int SLAB_BYTES = 1 << 20;

    private final ArrayBlockingQueue<PageBatch> free = new ArrayBlockingQueue<>(BATCHES);
    private final List<MemorySegment> slabs = new ArrayList<>();
    private final Map<Long, byte[]> pages = new HashMap<>();
    private final List<String> log;
    private volatile @Nullable GuestMemoryMap map;
    private volatile @Nullable CapturedMachine committed;
    volatile boolean full;
    volatile boolean uncommittable;
    volatile long submitted;

    /// @param log takes `commit` when the guest is complete
    HeldGuest(List<String> log) {
        this.log = log;
        for (int i = 0; i < BATCHES; i++) {
            MemorySegment slab = NativeMemory.map(SLAB_BYTES);
            slabs.add(slab);
            free.add(new PageBatch(slab, 300));
        }
    }

    @Override
    public PageDestination pages(GuestMemoryMap known) {
        map = known;
        return this;
    }

    @Override
    public int batches() {
        return BATCHES;
    }

    @Override
    public PageBatch take() throws DrayException {
        try {
            PageBatch batch = free.poll(20, TimeUnit.SECONDS);
            if (batch == null) {
                throw new IllegalStateException("every batch is out");
            }
            batch.clear();
            return batch;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public synchronized void submit(PageBatch batch) throws DrayException {
        for (int i = 0; i < batch.count(); i++) {
            byte[] content = new byte[PageSize.BYTES];
            if (batch.address(i) != PageBatch.ZERO) {
                long offset = batch.address(i) - batch.slab().address();
                MemorySegment.copy(batch.slab(), ValueLayout.JAVA_BYTE, offset, content, 0, content.length);
            }
            pages.put(key(batch.region(i), batch.page(i)), content);
        }
        submitted += batch.count();
        free.add(batch);
        if (full) {
            throw new MachineException("The disk is full", "");
        }
    }

    @Override
    public void giveBack(PageBatch batch) {
        free.add(batch);
    }

    @Override
    public void drain() {}

    @Override
    public void commit(CapturedMachine machine) throws DrayException {
        if (uncommittable) {
            throw new MachineException("The repository went away", "");
        }
        synchronized (log) {
            log.add("commit");
        }
        committed = machine;
    }

    private static long key(int region, long page) {
        return (long) region << 48 | page;
    }

    /// The page's bytes, or null if it never came.
    synchronized byte @Nullable [] page(int region, long page) {
        return pages.get(key(region, page));
    }

    GuestMemoryMap map() {
        GuestMemoryMap known = map;
        if (known == null) {
            throw new AssertionError("no memory was announced");
        }
        return known;
    }

    boolean isCommitted() {
        return committed != null;
    }

    CapturedMachine committed() {
        CapturedMachine machine = committed;
        if (machine == null) {
            throw new AssertionError("nothing was committed");
        }
        return machine;
    }

    @Override
    public void close() {
        slabs.forEach(NativeMemory::unmap);
    }
}
