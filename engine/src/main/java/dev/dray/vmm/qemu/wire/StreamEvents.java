package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;

/// What a [StreamReader] tells its driver, on the reader's thread and at the moment it was read. Bytes behind
/// the reported item are not read before the method returns.
public interface StreamEvents {
    /// Configuration and memory layout have been read; pages follow. The reader takes batches from the
    /// returned destination, fills and submits them; it neither drains nor closes it.
    PageDestination memory(Configuration configuration, GuestMemoryMap map) throws DrayException;

    /// The sender listens on the reverse direction from now on.
    default void openReturnPath() throws DrayException {}

    /// The sender wants a [ReturnMessage.Pong] with this value.
    default void ping(int value) throws DrayException {}

    /// The first page, zero or not, is here. With background-snapshot memory is now write-protected for
    /// certain.
    default void firstPage() throws DrayException {}

    /// A round of memory has been read (one `PART` section).
    default void roundEnd() throws DrayException {}

    /// The sender announced the switchover (QEMU 10 and later): its guest stands still.
    default void switchoverStart() throws DrayException {}

    /// All memory of the main connection has been read and submitted; device state follows.
    default void memoryEnd() throws DrayException {}

    /// The main connection is at a multifd barrier. All pages before it have been submitted. Returns when
    /// every further connection has come to its own `SYNC` and has submitted what it read before that.
    default void barrier() throws DrayException {
        throw new IllegalStateException("a multifd barrier without further connections");
    }
}
