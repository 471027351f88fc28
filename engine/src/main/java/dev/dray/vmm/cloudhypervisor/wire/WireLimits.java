package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.memory.GuestMemoryMap;

/// The most of everything that is accepted from a peer. Real guests stay far below. Documents are parsed on the heap,
/// while the guest stands still; tables are not.
public final class WireLimits {
    /// A Config document: 5 KB for a small guest, some hundred bytes for each further device.
    public static final int CONFIG_BYTES_MAX = 4 << 20;

    /// A State document: 26 KB for one vCPU, 13 KB for each further one: over 2000 of them.
    public static final int STATE_BYTES_MAX = 32 << 20;

    /// Pieces of guest memory. A guest has one or two, and one for each DIMM that was plugged in.
    public static final int SLOTS_MAX = GuestMemoryMap.REGIONS_MAX;

    /// All pieces of one guest: as much as 46 bits of address reach, which is what x86 gives its guests.
    public static final long GUEST_BYTES_MAX = 1L << 46;

    /// Tokens of a document that is read as a whole: real ones have some thousand. One costs 60 bytes of heap.
    public static final int TOKENS_MAX = 1 << 19;

    /// Ranges in one table: every second page of a guest of 128 GiB.
    public static final int TABLE_ENTRIES_MAX = 1 << 24;

    /// Ranges in the table of a document: of virtio-mem at most one for each second block of 2 MiB, so for 4 TiB.
    public static final int DOCUMENT_RANGES_MAX = 1 << 20;

    /// Connections beside the main one, as the real VMM has it.
    public static final int CONNECTIONS_MAX = 128;

    /// Longest range that one page request may ask for, as the real VMM has it.
    public static final long FAULT_BYTES_MAX = 1L << 30;

    private WireLimits() {}
}
