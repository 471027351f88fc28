package dev.dray.memory;

import java.util.List;

/// One contiguous, named piece of a guest's memory: a QEMU RAM block, a Cloud Hypervisor memory slot.
///
/// @param name the VMM's name for it, unique in the guest
/// @param bytes length, a multiple of the page size
/// @param pageBytes size of the host pages that back it: 4096, 2 MiB or 1 GiB
/// @param gpas where it appears in guest-physical addresses; empty if unknown
public record MemoryRegion(String name, long bytes, long pageBytes, List<GpaRange> gpas) {
    /// Longest name in bytes; QEMU's is a counted string of at most 255.
    public static final int NAME_BYTES_MAX = 255;

    /// Largest region: 64 TiB, well above any host of today, so that page numbers stay far from overflow.
    public static final long BYTES_MAX = 1L << 46;

    public MemoryRegion {
        gpas = List.copyOf(gpas);
        if (bytes < 0 || bytes > BYTES_MAX || !PageSize.isAligned(bytes)) {
            throw new IllegalArgumentException("region " + name + " of " + bytes + " bytes");
        }
    }

    /// How many 4 KiB pages it has.
    public long pages() {
        return PageSize.pages(bytes);
    }
}
