package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;

/// The receiver's end of a connection on which a source can be asked for memory, one request at a time.
///
/// Its end means to the source that the receiver has everything, and after Complete the source then ends its
/// VM: this is closed last, and only once Complete is answered or the main connection is gone.
final class FaultConnection implements AutoCloseable {
    /// Pages in one request: 1 MiB is fastest, measured from 4 KiB to 16 MiB.
    static final int PAGES = 256;

    private static final int REQUEST_BYTES = RequestHeader.BYTES + MemoryRange.BYTES;

    private final Connection connection;
    private final MemorySegment buffer = NativeMemory.map(REQUEST_BYTES + ResponseHeader.BYTES);

    FaultConnection(Connection connection) {
        this.connection = connection;
    }

    /// Asks for a range and waits for its bytes.
    void read(long gpa, long bytes, long address) throws DrayException {
        RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(buffer, 0);
        new MemoryRange(gpa, bytes).write(buffer, RequestHeader.BYTES);
        connection.write(buffer.address(), REQUEST_BYTES);
        connection.readFully(buffer.address() + REQUEST_BYTES, ResponseHeader.BYTES);
        ResponseHeader response = ResponseHeader.read(buffer, REQUEST_BYTES);
        if (response.status() != ResponseHeader.OK || response.length() != bytes) {
            throw new PeerException(
                    "The VMM did not give the memory at 0x" + Long.toHexString(gpa) + ": status " + response.status()
                            + ", " + Long.toUnsignedString(response.length()) + " bytes",
                    "see Cloud Hypervisor's log");
        }
        connection.readFully(address, bytes);
    }

    void shutdown() {
        connection.shutdown();
    }

    @Override
    public void close() {
        connection.close();
        NativeMemory.unmap(buffer);
    }
}
