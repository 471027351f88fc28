package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/// The block list of the memory section's `START`:
/// `be64 total | MEM_SIZE, (u8 n, name, be64 usedLength)*`, until the lengths add up to `total`.
///
/// @param sectionId the number by which later memory sections and footers name this one
/// @param map the blocks, in the sender's order; a block's page size is not in the stream and is given as 4096
public record RamBlocks(int sectionId, GuestMemoryMap map) {
    /// As a part of a snapshot: `be32 sectionId`, then the list as on the wire.
    public byte[] bytes() {
        Bytes bytes = new Bytes(256).u32(sectionId);
        write(bytes);
        return bytes.copy();
    }

    void write(Bytes bytes) {
        bytes.u64(map.bytes() | Wire.RAM_SAVE_FLAG_MEM_SIZE);
        for (MemoryRegion region : map.regions()) {
            bytes.name(region.name()).u64(region.bytes());
        }
    }

    public static RamBlocks parse(byte[] bytes, StreamLimits limits) throws PeerException {
        StreamInput in = StreamInput.of(bytes);
        int sectionId = in.u32("the memory layout");
        RamBlocks blocks = new RamBlocks(sectionId, read(in, limits));
        if (in.has(1)) {
            throw Refusal.broken("The memory layout has " + (bytes.length - in.offset()) + " bytes too many");
        }
        return blocks;
    }

    static GuestMemoryMap read(StreamInput in, StreamLimits limits) throws PeerException {
        long head = in.u64("the memory layout");
        if (RamRecord.flags(head) != Wire.RAM_SAVE_FLAG_MEM_SIZE) {
            throw Refusal.broken("The memory layout begins with " + RamRecord.words(head) + " instead of MEM_SIZE");
        }
        long total = RamRecord.offset(head);
        if (Long.compareUnsigned(total, limits.memoryBytes()) > 0) {
            throw Refusal.broken("The memory layout has " + Long.toUnsignedString(total) + " bytes, more than "
                    + limits.memoryBytes());
        }
        return new GuestMemoryMap(list(in, limits, total));
    }

    private static List<MemoryRegion> list(StreamInput in, StreamLimits limits, long total) throws PeerException {
        var regions = new ArrayList<MemoryRegion>();
        var names = new HashSet<String>();
        for (long left = total; left > 0; ) {
            String name = in.name("a RAM block");
            long bytes = in.u64("RAM block " + name);
            if (Long.compareUnsigned(bytes, left) > 0) {
                throw Refusal.broken("RAM block '" + name + "' has " + Long.toUnsignedString(bytes)
                        + " bytes, but only " + left + " of all " + total + " are left for it");
            }
            if (!PageSize.isAligned(bytes)) {
                throw Refusal.broken("RAM block '" + name + "' has " + bytes + " bytes, which are no whole pages");
            }
            if (!names.add(name)) {
                throw Refusal.broken("RAM block '" + name + "' is listed twice");
            }
            if (regions.size() == limits.blocks()) {
                throw Refusal.broken("There are more than " + limits.blocks() + " RAM blocks");
            }
            regions.add(new MemoryRegion(name, bytes, PageSize.BYTES, List.of()));
            left -= bytes;
        }
        return regions;
    }
}
