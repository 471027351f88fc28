package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Writes one further connection of a multifd migration. Belongs to one thread.
///
/// Zero pages are never sent here: for machine types before 9.0 they belong on the main connection, and a fresh
/// destination has them already.
public final class MultifdWriter {
    /// Pages in a packet: 512 KiB of them.
    public static final int PACKET_PAGES = MultifdPacket.PAGES_MAX;

    @SuppressWarnings("EnumOrdinal") // what [dev.dray.page.PageReader] gives
    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    private final ByteSink out;
    private final int channel;
    private final GuestMemoryMap map;
    private final MemorySegment head = Arena.ofAuto().allocate(MultifdPacket.SIZE);
    private final long[] offsets = new long[PACKET_PAGES];
    private long packets;

    public MultifdWriter(ByteSink out, int channel, GuestMemoryMap map) {
        this.out = out;
        this.channel = channel;
        this.map = map;
    }

    public void hello() throws PeerException {
        MemorySegment hello = head.asSlice(0, MultifdHello.SIZE);
        new MultifdHello(channel).write(hello);
        out.write(hello);
    }

    /// One packet: those of the pages `first` … `first + count - 1` whose kind is `CONTENT`. Page `first + i`
    /// lies at `slab[i * 4096]`.
    ///
    /// @param count at most [#PACKET_PAGES]
    /// @param kinds ordinals of [PageKind]
    public void pages(int region, long first, int count, MemorySegment slab, byte[] kinds) throws PeerException {
        int pages = 0;
        for (int i = 0; i < count; i++) {
            if (kinds[i] == CONTENT) {
                offsets[pages++] = PageSize.offset(first + i);
            }
        }
        if (pages == 0) {
            return;
        }
        packet(0, pages, map.regions().get(region).name());
        int i = 0;
        while (i < count) {
            int start = i;
            while (i < count && kinds[i] == CONTENT) {
                i++;
            }
            if (i > start) {
                out.write(slab.asSlice(PageSize.offset(start), PageSize.offset(i - start)));
            }
            i++;
        }
    }

    /// This connection's part of a barrier.
    public void sync() throws PeerException {
        packet(MultifdPacket.SYNC, 0, "");
    }

    private void packet(int flags, int pages, String block) throws PeerException {
        new MultifdPacket(flags, pages, 0, packets++, block).write(head, offsets);
        out.write(head);
    }
}
