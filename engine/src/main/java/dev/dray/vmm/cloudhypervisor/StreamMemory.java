package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageDestination;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.StateDocument;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A guest's memory that comes as bytes, over one connection or several. Memory that never comes is zeros.
final class StreamMemory {
    private final List<RamSlot> guest;
    private final SlotIndex slots;
    private final PageDestination destination;
    private final Pace pace;
    private volatile boolean came;

    /// @param destination taken for good; filled by several threads
    StreamMemory(MigrationConfig config, PageDestination destination, Pace pace) {
        this.guest = config.slots();
        this.slots = new SlotIndex(guest);
        this.destination = new SharedDestination(destination);
        this.pace = pace;
    }

    /// Takes the table and the bytes of one request, and hands them over. It may be answered then.
    ///
    /// @param length of the table, as the request's header has it
    void take(Connection connection, long length) throws DrayException {
        int count = RangeTable.count(length);
        if (count == 0) {
            return;
        }
        came = true;
        MemorySegment memory = NativeMemory.map(length); // pages of it come as it arrives
        try {
            connection.readFully(memory.address(), length);
            take(connection, new RangeTable(memory, count));
        } finally {
            NativeMemory.unmap(memory);
        }
    }

    private void take(Connection connection, RangeTable table) throws DrayException {
        for (int i = 0; i < table.count(); i++) {
            slots.check(table.gpa(i), table.bytes(i));
        }
        PageFeed feed = new PageFeed(destination);
        try {
            var place = new Place(table);
            while (place.skipToPages()) {
                int room = feed.room();
                int pages = place.pagesUpTo(room);
                long address = feed.reserve(pages);
                pace.spend(PageSize.offset(pages));
                connection.readFully(address, PageSize.offset(pages));
                for (int i = 0; i < pages; i++) {
                    place.skipToPages();
                    int region = slots.region(place.gpa(), place.region);
                    place.region = region;
                    feed.add(region, slots.page(region, place.gpa()), address + PageSize.offset(i));
                    place.done += PageSize.BYTES;
                }
            }
        } finally {
            feed.submit(); // also what came before a failure: batches are few
        }
    }

    /// Asks for all of the memory, in pieces, once the guest stands still.
    ///
    /// @param state the State document, which says what of virtio-mem is plugged
    void pull(FaultConnection connection, byte[] state, Sweep.Tick tick) throws DrayException {
        PageFeed feed = new PageFeed(destination);
        int region = 0;
        try {
            for (var range : present(state)) {
                came = true;
                for (long done = 0; done < range.bytes(); ) {
                    tick.check();
                    long gpa = range.gpa() + done;
                    region = slots.region(gpa, region);
                    int pages = (int) Math.min(
                            Math.min(feed.room(), FaultConnection.PAGES),
                            PageSize.pages(Math.min(range.bytes() - done, slots.end(region) - gpa)));
                    long address = feed.reserve(pages);
                    pace.spend(PageSize.offset(pages));
                    connection.read(gpa, PageSize.offset(pages), address);
                    for (int i = 0; i < pages; i++) {
                        feed.add(region, slots.page(region, gpa) + i, address + PageSize.offset(i));
                    }
                    done += PageSize.offset(pages);
                }
            }
        } finally {
            feed.submit();
        }
        checkThatSomethingCame();
    }

    /// What the guest has: all of each slot, but of virtio-mem only what the VMM names. Elsewhere its table is not to
    /// be believed: it is that of its own snapshots, which leave out memory in named files.
    private List<MemoryRange> present(byte[] state) throws PeerException {
        if (guest.stream().noneMatch(RamSlot::virtioMem)) {
            return guest.stream()
                    .map(slot -> new MemoryRange(slot.gpa(), slot.bytes()))
                    .toList();
        }
        List<MemoryRange> named = StateDocument.memoryRanges(state);
        for (MemoryRange range : named) {
            slots.check(range.gpa(), range.bytes());
        }
        List<MemoryRange> present = new ArrayList<>();
        for (RamSlot slot : guest) {
            if (!slot.virtioMem()) {
                present.add(new MemoryRange(slot.gpa(), slot.bytes()));
                continue;
            }
            for (MemoryRange range : named) {
                long start = Math.max(range.gpa(), slot.gpa());
                long end = Math.min(range.gpa() + range.bytes(), slot.gpa() + slot.bytes());
                if (start < end) {
                    present.add(new MemoryRange(start, end - start));
                }
            }
        }
        return present;
    }

    /// Whether any memory has come, or was asked for.
    boolean hasCome() {
        return came;
    }

    /// No guest that has ever run has only zeros: a snapshot of nothing would look like one of a guest.
    void checkThatSomethingCame() throws PeerException {
        if (!came) {
            throw new PeerException("The VMM sent none of its guest's memory", "see Cloud Hypervisor's log");
        }
    }

    void drain() throws DrayException {
        destination.drain();
    }

    /// How far a table's bytes have been placed.
    private static final class Place {
        private final RangeTable table;
        private int index;
        private long done;
        private int region;

        Place(RangeTable table) {
            this.table = table;
        }

        /// @return false at the end
        boolean skipToPages() {
            while (index < table.count() && done == table.bytes(index)) {
                index++;
                done = 0;
            }
            return index < table.count();
        }

        long gpa() {
            return table.gpa(index) + done;
        }

        /// How many pages follow in the stream, but no more than this.
        int pagesUpTo(int limit) {
            long pages = PageSize.pages(table.bytes(index) - done);
            for (int i = index + 1; i < table.count() && pages < limit; i++) {
                pages += PageSize.pages(table.bytes(i));
            }
            return (int) Math.min(pages, limit);
        }
    }
}
