package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import java.lang.foreign.MemorySegment;

/// Writes one further connection of a multifd migration. Belongs to one thread.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class MultifdWriter {
    /// Pages in a packet: 512 KiB of them.
    public static final int PACKET_PAGES = 128;

    public MultifdWriter(ByteSink out, int channel, GuestMemoryMap map) {
        throw new IllegalStateException("not yet " + out + channel + map);
    }

    public void hello() throws PeerException {}

    /// One packet: those of the pages `first` … `first + count - 1` whose kind is `CONTENT`. Page `first + i`
    /// lies at `slab[i * 4096]`.
    ///
    /// @param count at most [#PACKET_PAGES]
    public void pages(int region, long first, int count, MemorySegment slab, byte[] kinds) throws PeerException {}

    /// This connection's part of a barrier.
    public void sync() throws PeerException {}
}
