package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Sends contents of pages as `Memory` requests on a connection of its own, one request outstanding.
///
/// A request is whole in memory before its first byte goes out, in one write: whatever happens to the snapshot, the VMM
/// never sees a body cut short, in which it would spin for ever. No range reaches from one slot into the next, where
/// the VMM would misplace it. Pages without content are not sent, for a fresh VMM's memory is zero; unless it lies in a
/// file of the user's, where anything may be.
final class MemoryPush implements EagerFill.Lane {
    /// Pages in a request, far below the 64 MiB that the real sender keeps to.
    private static final int PAGES = 1024;

    private static final long TABLE_BYTES = (long) PAGES * MemoryRange.BYTES;
    private static final long BODY = RequestHeader.BYTES + TABLE_BYTES;
    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    private final Connection connection;
    private final List<RamSlot> slots;
    private final List<Boolean> inFile;
    private final MemorySegment message = NativeMemory.map(BODY + PageSize.offset(PAGES));
    private final MemorySegment reply = NativeMemory.map(ResponseHeader.BYTES);
    private final long[] gpas = new long[PAGES];
    private final long[] lengths = new long[PAGES];
    private int ranges;
    private int pages;

    /// @param connection fresh, to the path or port of the main one; closed here
    /// @param inFile of which slots zeros are sent too
    MemoryPush(Connection connection, List<RamSlot> slots, List<Boolean> inFile) throws DrayException {
        this.connection = connection;
        this.slots = slots;
        this.inFile = inFile;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment role = arena.allocate(Wire.ROLE_BYTES);
            role.set(Wire.U16, 0, (short) Role.PRECOPY_MEMORY.code());
            connection.write(role.address(), Wire.ROLE_BYTES);
        } catch (DrayException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    @Override
    public void take(int region, long first, int count, long address, byte[] kinds) throws DrayException {
        long gpa = slots.get(region).gpa();
        boolean withZeros = inFile.get(region);
        for (int i = 0; i < count; i++) {
            boolean zero = kinds[i] != CONTENT;
            if (zero && !withZeros) {
                continue;
            }
            if (pages == PAGES) {
                pieceEnds();
            }
            long at = gpa + PageSize.offset(first + i);
            boolean follows = ranges > 0 && gpas[ranges - 1] + lengths[ranges - 1] == at && gpas[ranges - 1] >= gpa;
            if (!follows) {
                gpas[ranges] = at;
                lengths[ranges] = 0;
                ranges++;
            }
            lengths[ranges - 1] += PageSize.BYTES;
            long place = message.address() + BODY + PageSize.offset(pages);
            if (zero) {
                NativeMemory.zero(place, PageSize.BYTES);
            } else {
                NativeMemory.copy(place, address + PageSize.offset(i), PageSize.BYTES);
            }
            pages++;
        }
    }

    /// Sends what was taken, and waits until the VMM has it.
    @Override
    public void pieceEnds() throws DrayException {
        if (ranges == 0) {
            return;
        }
        long tableBytes = (long) ranges * MemoryRange.BYTES;
        long from = BODY - tableBytes - RequestHeader.BYTES;
        RequestHeader.of(Command.MEMORY, tableBytes).write(message, from);
        for (int i = 0; i < ranges; i++) {
            message.set(Wire.U64, BODY - tableBytes + (long) i * MemoryRange.BYTES, gpas[i]);
            message.set(Wire.U64, BODY - tableBytes + (long) i * MemoryRange.BYTES + Long.BYTES, lengths[i]);
        }
        connection.write(message.address() + from, BODY - from + PageSize.offset(pages));
        ranges = 0;
        pages = 0;
        connection.readFully(reply.address(), ResponseHeader.BYTES);
        int status = ResponseHeader.read(reply, 0).status();
        if (status != ResponseHeader.OK) {
            throw new PeerException("Cloud Hypervisor refused a piece of the guest's memory", "its log says why");
        }
    }

    @Override
    public void close() {
        connection.close();
        NativeMemory.unmap(message);
        NativeMemory.unmap(reply);
    }
}
