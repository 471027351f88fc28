package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import java.util.List;

/// Finds the region and page of a guest-physical address.
final class SlotIndex {
    private final long[] starts;
    private final long[] ends;

    /// @param slots ascending, without overlaps; the position in the list is the region index
    SlotIndex(List<RamSlot> slots) {
        starts = slots.stream().mapToLong(RamSlot::gpa).toArray();
        ends = slots.stream().mapToLong(slot -> slot.gpa() + slot.bytes()).toArray();
    }

    /// The region that has this address.
    ///
    /// @param hint a region that probably has it
    int region(long gpa, int hint) throws PeerException {
        if (gpa >= starts[hint] && gpa < ends[hint]) {
            return hint;
        }
        for (int i = 0; i < starts.length; i++) {
            if (gpa >= starts[i] && gpa < ends[i]) {
                return i;
            }
        }
        throw outside(gpa);
    }

    /// The page inside its region.
    long page(int region, long gpa) {
        return PageSize.index(gpa - starts[region]);
    }

    /// The address behind a region's last byte.
    long end(int region) {
        return ends[region];
    }

    /// Checks that a range is whole pages of the guest's memory, in one region or in several that touch.
    void check(long gpa, long bytes) throws PeerException {
        if (!PageSize.isAligned(gpa) || !PageSize.isAligned(bytes) || bytes < 0 || gpa < 0) {
            throw new PeerException(
                    "The VMM sent a range of memory that is no whole pages: 0x" + Long.toHexString(gpa) + ", "
                            + Long.toUnsignedString(bytes) + " bytes",
                    "report this");
        }
        long at = gpa;
        long left = bytes;
        int region = 0;
        while (left > 0) {
            region = region(at, region);
            long here = Math.min(left, ends[region] - at);
            at += here;
            left -= here;
        }
    }

    private static PeerException outside(long gpa) {
        return new PeerException(
                "The VMM sent memory at 0x" + Long.toHexString(gpa) + ", where its guest has none", "report this");
    }
}
