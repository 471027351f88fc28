package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;

/// The block list of the memory section's `START`.
///
/// @param sectionId the number by which later memory sections and footers name this one
/// @param map the blocks, in the sender's order
public record RamBlocks(int sectionId, GuestMemoryMap map) {
    /// As a part of a snapshot: `be32 sectionId, be64 total | MEM_SIZE, (u8 n, name, be64 usedLength)*`.
    public byte[] bytes() {
        return new byte[sectionId];
    }

    public static RamBlocks parse(byte[] bytes) throws PeerException {
        return new RamBlocks(bytes.length, new GuestMemoryMap(java.util.List.of()));
    }
}
