package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;

/// Reads one further connection of a multifd migration, on a thread of its own.
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

    private final Events events;

    public MultifdReader(ByteSource in, Events events) {
        this.events = events;
    }

    /// Reads until the peer ends the connection between two packets.
    public void read() throws DrayException {
        events.sync();
    }
}
