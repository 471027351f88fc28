package dev.dray.machine;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.vmm.qemu.wire.ByteSink;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.StreamWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The memory of a guest that a test has received, and the way to send it on.
final class ReceivedGuest implements PageDestination {
    private final Arena arena = Arena.ofAuto();
    private final PageBatch batch = new PageBatch(arena.allocate(1 << 20), 512);
    private final List<MemorySegment> regions = new ArrayList<>();

    ReceivedGuest(GuestMemoryMap map) {
        for (MemoryRegion region : map.regions()) {
            regions.add(arena.allocate(region.bytes()));
        }
    }

    MemorySegment page(int region, long page) {
        return regions.get(region).asSlice(PageSize.offset(page), PageSize.BYTES);
    }

    @Override
    public PageBatch take() {
        batch.clear();
        return batch;
    }

    @Override
    public void submit(PageBatch full) {
        for (int i = 0; i < full.count(); i++) {
            MemorySegment to = page(full.region(i), full.page(i));
            if (full.address(i) == PageBatch.ZERO) {
                to.fill((byte) 0);
            } else {
                NativeMemory.copy(to.address(), full.address(i), PageSize.BYTES);
            }
        }
    }

    @Override
    public void giveBack(PageBatch unused) {
        // There is only one.
    }

    @Override
    public void drain() {
        // Everything submitted is in place.
    }

    /// Sends the guest as an eager restore does.
    void send(CapturedStream state, ByteSink out) throws PeerException {
        StreamWriter writer = new StreamWriter(out);
        writer.header();
        writer.configuration(state.configuration());
        writer.memoryStart(state.blocks(), false);
        writer.beginPart();
        for (int region = 0; region < regions.size(); region++) {
            for (long page = 0; page < PageSize.pages(regions.get(region).byteSize()); page++) {
                writer.page(region, page, page(region, page));
            }
        }
        writer.endSection();
        writer.beginEnd();
        writer.endSection();
        writer.sections(state.deviceSections());
        writer.endOfSections();
        writer.description(state.description());
        writer.flush();
    }
}
