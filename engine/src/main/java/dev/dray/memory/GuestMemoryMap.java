package dev.dray.memory;

import java.util.List;

/// All regions of a guest, in the VMM's order. A region's position in this list is its *region index*.
public record GuestMemoryMap(List<MemoryRegion> regions) {
    /// More regions than any real guest has; QEMU guests have about ten, with hundreds of hot-plugged DIMMs
    /// at most.
    public static final int REGIONS_MAX = 4096;

    public GuestMemoryMap {
        regions = List.copyOf(regions);
        if (regions.size() > REGIONS_MAX) {
            throw new IllegalArgumentException(regions.size() + " regions");
        }
    }

    public long bytes() {
        return regions.stream().mapToLong(MemoryRegion::bytes).sum();
    }

    /// The region index of `name`, or -1.
    public int indexOf(String name) {
        for (int i = 0; i < regions.size(); i++) {
            if (regions.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }
}
