package dev.dray.machine.qemu;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.lang.foreign.MemorySegment;

/// Puts the pages of a stream into a machine's memory. Belongs to the loading thread, which also closes it.
final class GuestLoader implements PageDestination, AutoCloseable {
    private static final long SLAB_BYTES = 1 << 20;

    /// Zero pages need no room in the slab: there can be more pages than it has room for.
    private static final int BATCH_PAGES = 1024;

    private final MachineMemory memory;
    private final SourceStream.Steps steps;
    private final MemorySegment slab = NativeMemory.map(SLAB_BYTES);
    private final PageBatch batch = new PageBatch(slab, BATCH_PAGES);
    private int[] blocks = {};

    GuestLoader(MachineMemory memory, SourceStream.Steps steps) {
        this.memory = memory;
        this.steps = steps;
    }

    /// Compares a stream's memory with this machine's, as QEMU does: names, and lengths unless they may grow.
    void check(GuestMemoryMap map) throws PeerException {
        blocks = new int[map.regions().size()];
        for (int i = 0; i < blocks.length; i++) {
            MemoryRegion region = map.regions().get(i);
            int index = memory.indexOf(region.name());
            if (index < 0) {
                throw new PeerException("Unknown ramblock \"" + region.name() + "\", cannot accept migration", "");
            }
            MemoryBlock block = memory.block(index);
            if (region.bytes() != block.bytes()) {
                throw new PeerException(
                        "Size mismatch: " + region.name() + ": 0x" + Long.toHexString(region.bytes()) + " != 0x"
                                + Long.toHexString(block.bytes()) + ": Invalid argument",
                        "");
            }
            blocks[i] = index;
        }
    }

    @Override
    public PageBatch take() {
        batch.clear();
        return batch;
    }

    @Override
    public void submit(PageBatch full) throws PeerException {
        for (int i = 0; i < full.count(); i++) {
            MemoryBlock block = memory.block(blocks[full.region(i)]);
            long page = full.page(i);
            if (page >= block.pages()) {
                throw new PeerException("page " + page + " of " + block.name() + " is beyond its end", "");
            }
            long to = block.page(page).address();
            if (full.address(i) != PageBatch.ZERO) {
                NativeMemory.copy(to, full.address(i), PageSize.BYTES);
            } else if (!NativeMemory.isZero(to, PageSize.BYTES)) {
                NativeMemory.zero(to, PageSize.BYTES);
            }
        }
        steps.reach(FaultStep.DESTINATION_PAGES);
    }

    @Override
    public void giveBack(PageBatch unused) {
        // There is only one, and nothing to clean.
    }

    @Override
    public void drain() {
        // Everything submitted is in place.
    }

    @Override
    public void close() {
        NativeMemory.unmap(slab);
    }
}
