package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A guest's memory in arrays, filled by a reader, and the events it had. Batches are small and few, and their
/// slabs are overwritten as soon as they are given back, so that a stale address shows.
final class RecordedMemory implements StreamEvents, PageDestination {
    static final int SLAB_BYTES = BatchWindow.SLAB_BYTES_MIN;

    private final List<String> events = new ArrayList<>();
    private final List<byte[]> regions = new ArrayList<>();
    private final ArrayDeque<PageBatch> free = new ArrayDeque<>();
    private final int capacity;
    private int batches;
    private long pages;
    private long zeros;

    RecordedMemory() {
        this(64);
    }

    /// @param capacity pages in a batch
    RecordedMemory(int capacity) {
        this.capacity = capacity;
    }

    List<String> events() {
        return events;
    }

    byte[] region(int index) {
        return regions.get(index);
    }

    List<byte[]> regions() {
        return regions;
    }

    /// Batches that are taken and neither submitted nor given back.
    int batchesOut() {
        return batches - free.size();
    }

    @Override
    public PageDestination memory(Configuration configuration, GuestMemoryMap map) {
        events.add("memory " + configuration.machineType());
        prepare(map);
        return this;
    }

    void prepare(GuestMemoryMap map) {
        for (MemoryRegion region : map.regions()) {
            // Fuzzed layouts claim terabytes: only what a test compares is kept.
            regions.add(new byte[(int) Math.min(region.bytes(), 8 << 20)]);
        }
    }

    @Override
    public void openReturnPath() {
        events.add("openReturnPath");
    }

    @Override
    public void ping(int value) {
        events.add("ping " + value);
    }

    @Override
    public void firstPage() {
        events.add("firstPage");
    }

    @Override
    public void roundEnd() {
        events.add("roundEnd");
    }

    @Override
    public void switchoverStart() {
        events.add("switchoverStart");
    }

    @Override
    public void memoryEnd() {
        events.add("memoryEnd");
    }

    @Override
    public void barrier() {
        events.add("barrier");
    }

    @Override
    public PageBatch take() {
        if (free.isEmpty()) {
            batches++;
            return new PageBatch(Arena.ofAuto().allocate(SLAB_BYTES), capacity);
        }
        return free.poll();
    }

    @Override
    public void submit(PageBatch batch) {
        for (int i = 0; i < batch.count(); i++) {
            byte[] region = regions.get(batch.region(i));
            long at = batch.page(i) * 4096;
            boolean zero = batch.address(i) == PageBatch.ZERO;
            long offset = batch.address(i) - batch.slab().address();
            if (!zero && (offset < 0 || offset > SLAB_BYTES - 4096)) {
                throw new AssertionError("page " + batch.page(i) + " lies outside of its slab at " + offset);
            }
            pages++;
            zeros += zero ? 1 : 0;
            if (at + 4096 <= region.length && zero) {
                Arrays.fill(region, (int) at, (int) at + 4096, (byte) 0);
            } else if (at + 4096 <= region.length) {
                MemorySegment.copy(batch.slab(), JAVA_BYTE, offset, region, (int) at, 4096);
            }
        }
        giveBack(batch);
    }

    @Override
    public void giveBack(PageBatch batch) {
        batch.slab().fill((byte) 0xDB);
        batch.clear();
        free.add(batch);
    }

    @Override
    public void drain() {}

    @Override
    public String toString() {
        return pages + " pages, " + zeros + " zero, events " + events;
    }
}
