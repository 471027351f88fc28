package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;

/// Reads one further connection of a multifd migration, on a thread of its own.
///
/// Connections may be far ahead of or behind each other and of the main one; a page may be sent again on
/// another connection, and the later one counts. What keeps them in order are barriers: a `SYNC` on every
/// further connection belongs to a barrier on the main one ([StreamEvents#barrier]).
public final class MultifdReader {
    /// What the driver is asked on the reader's thread.
    public interface Events {
        /// The hello packet is here; waits until the main connection has read the memory layout.
        Memory hello(MultifdHello hello) throws DrayException;

        /// At a `SYNC`: everything read so far is submitted. Returns when the main connection is at its barrier
        /// and all others are at theirs.
        void sync() throws DrayException;
    }

    /// @param destination used by this reader only, or safe for many
    public record Memory(GuestMemoryMap map, PageDestination destination) {}

    private final StreamInput in;
    private final Events events;
    private final long[] offsets = new long[MultifdPacket.PAGES_MAX];

    public MultifdReader(ByteSource in, Events events) {
        this.in = new StreamInput(in);
        this.events = events;
    }

    /// Reads until the peer ends the connection between two packets.
    public void read() throws DrayException {
        in.need(MultifdHello.SIZE, "the hello of a further connection");
        MultifdHello hello = MultifdHello.read(in.window().asSlice(in.position(), MultifdHello.SIZE));
        in.advanceTo(in.position() + MultifdHello.SIZE);
        Memory memory = events.hello(hello);
        var window = new BatchWindow(in, memory.destination);
        try {
            window.begin();
            while (true) {
                window.makeRoom(MultifdPacket.SIZE);
                if (!in.has(1)) {
                    break;
                }
                packet(window, memory.map);
            }
            window.end();
        } finally {
            window.abandon();
        }
    }

    private void packet(BatchWindow window, GuestMemoryMap map) throws DrayException {
        in.need(MultifdPacket.SIZE, "a multifd packet");
        MultifdPacket packet = MultifdPacket.read(in.window(), in.position(), offsets);
        in.advanceTo(in.position() + MultifdPacket.SIZE);
        if (packet.normalPages() + packet.zeroPages() > 0) {
            pages(packet, window, map);
        }
        if ((packet.flags() & MultifdPacket.SYNC) != 0) {
            window.submit();
            events.sync();
        }
    }

    private void pages(MultifdPacket packet, BatchWindow window, GuestMemoryMap map) throws DrayException {
        int region = map.indexOf(packet.block());
        if (region < 0) {
            throw Refusal.broken("A multifd packet is for a RAM block that is not listed");
        }
        long regionBytes = map.regions().get(region).bytes();
        for (int i = 0; i < packet.normalPages() + packet.zeroPages(); i++) {
            check(offsets[i], regionBytes, packet.block());
            if (window.batch().isFull() || in.room() < PageSize.BYTES) {
                window.turn();
            }
            long address = PageBatch.ZERO;
            if (i < packet.normalPages()) {
                in.need(PageSize.BYTES, "a multifd packet's pages");
                address = in.window().address() + in.position();
                in.advanceTo(in.position() + PageSize.BYTES);
            }
            window.batch().add(region, PageSize.index(offsets[i]), address);
        }
    }

    private static void check(long offset, long regionBytes, String block) throws PeerException {
        if (Long.compareUnsigned(offset, regionBytes) >= 0 || !PageSize.isAligned(offset)) {
            throw Refusal.broken("A multifd packet has a page at 0x" + Long.toHexString(offset) + " of RAM block '"
                    + block + "', which has " + regionBytes + " bytes");
        }
    }
}
