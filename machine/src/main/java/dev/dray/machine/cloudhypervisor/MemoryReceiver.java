package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.MissingPages;
import dev.dray.machine.vmm.Vmm;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/// Puts memory that is sent into the guest's memory. Any number of threads, each with a connection of its own.
final class MemoryReceiver {
    private final Vmm vmm;
    private final GuestMemory memory;
    private final @Nullable MissingPages missing;
    private final Reach reach;
    private final CountDownLatch closed = new CountDownLatch(1);

    /// @param missing told of what is in place; null if nothing is missing
    MemoryReceiver(Vmm vmm, GuestMemory memory, @Nullable MissingPages missing, Reach reach) {
        this.vmm = vmm;
        this.memory = memory;
        this.missing = missing;
        this.reach = reach;
    }

    /// Carries out one request. Where the real one crashes (a table that is cut in the middle of a range) or never
    /// comes back (memory that is cut), so does this.
    void receive(RequestHeader request, Channel from) throws PeerException {
        reach.step(FaultStep.RECEIVER_MEMORY, from);
        long bytes = request.length();
        if (bytes % MemoryRange.BYTES != 0) {
            vmm.log("assertion failed: (length as usize).is_multiple_of(size_of::<MemoryRange>())");
            vmm.quit(1);
            throw new PeerException("panicked", "");
        }
        int count = RangeTable.count(bytes);
        MemorySegment encoded = NativeMemory.map(Math.max(bytes, MemoryRange.BYTES));
        List<MemoryRange> table;
        try {
            from.readFully(encoded.address(), bytes);
            table = new RangeTable(encoded, count).ranges();
        } finally {
            NativeMemory.unmap(encoded);
        }
        for (MemoryRange range : table) {
            receive(range, from);
        }
        reach.step(FaultStep.RECEIVER_MEMORY_ANSWER, from);
    }

    private void receive(MemoryRange range, Channel from) throws PeerException {
        long address = memory.address(range.gpa(), range.bytes());
        for (long done = 0; done < range.bytes(); ) {
            long part = from.readSome(address + done, range.bytes() - done);
            if (part == 0) {
                spin();
            }
            done += part;
        }
        if (missing != null) {
            int slot = memory.slotAt(range.gpa());
            missing.place(slot, range.gpa() - memory.slots().get(slot).gpa(), range.bytes());
        }
    }

    /// The real one reads again and again at the end of a connection, and so nothing else for ever.
    private void spin() throws PeerException {
        vmm.log("memory was cut: the VMM reads for ever");
        try {
            closed.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        throw new PeerException("the machine was closed", "");
    }

    /// Ends every wait that would have no end; only when the machine is being closed.
    void close() {
        closed.countDown();
    }
}
