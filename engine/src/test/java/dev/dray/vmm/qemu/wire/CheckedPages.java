package dev.dray.vmm.qemu.wire;

import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;

/// A destination that keeps nothing and checks every page it is given: that it is inside of its region, and its
/// bytes inside of the slab.
final class CheckedPages implements StreamEvents, PageDestination {
    private static final int BATCHES = 3;
    private static final int CAPACITY = 64;

    private final ArrayDeque<PageBatch> free = new ArrayDeque<>();
    private GuestMemoryMap map = new GuestMemoryMap(java.util.List.of());
    private int calls;

    CheckedPages() {
        for (int i = 0; i < BATCHES; i++) {
            free.add(new PageBatch(Arena.ofAuto().allocate(BatchWindow.SLAB_BYTES_MIN), CAPACITY));
        }
    }

    /// For the next stream; all batches must be back.
    void reset(GuestMemoryMap next) {
        if (free.size() != BATCHES) {
            throw new AssertionError(BATCHES - free.size() + " batches were not given back");
        }
        map = next;
        calls = 0;
    }

    /// Which events there were, as bits: a mark for what a stream made the reader do.
    int calls() {
        return calls;
    }

    @Override
    public PageDestination memory(Configuration configuration, GuestMemoryMap layout) {
        map = layout;
        calls |= 1;
        return this;
    }

    @Override
    public void openReturnPath() {
        calls |= 2;
    }

    @Override
    public void ping(int value) {
        calls |= 4;
    }

    @Override
    public void firstPage() {
        calls |= 8;
    }

    @Override
    public void switchoverStart() {
        calls |= 16;
    }

    @Override
    public void memoryEnd() {
        calls |= 32;
    }

    @Override
    public void barrier() {
        calls |= 64;
    }

    @Override
    public PageBatch take() {
        return free.remove();
    }

    @Override
    public void submit(PageBatch batch) {
        calls |= 128;
        for (int i = 0; i < batch.count(); i++) {
            long offset = batch.address(i) - batch.slab().address();
            boolean inSlab = batch.address(i) == PageBatch.ZERO
                    || (offset >= 0 && offset <= batch.slab().byteSize() - 4096);
            long pages = map.regions().get(batch.region(i)).pages();
            if (!inSlab || batch.page(i) < 0 || batch.page(i) >= pages) {
                throw new AssertionError("page " + batch.page(i) + " of " + pages + " at " + offset);
            }
        }
        giveBack(batch);
    }

    @Override
    public void giveBack(PageBatch batch) {
        batch.clear();
        free.add(batch);
    }

    @Override
    public void drain() {}
}
