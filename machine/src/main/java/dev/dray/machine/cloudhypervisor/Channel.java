package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SocketMessage;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// One connection of a migration. Belongs to one thread, which also closes it; others may [#shutdown] it.
final class Channel implements AutoCloseable {
    private final Fd socket;
    /// Room for headers and other small things; the socket's thread only.
    private final MemorySegment small = NativeMemory.map(PageSize.BYTES);
    private boolean closed;

    Channel(Fd socket) {
        this.socket = socket;
    }

    static Channel connect(Place to) throws PeerException {
        try {
            return new Channel(to.connect());
        } catch (SysException e) {
            throw broke(e);
        }
    }

    private static PeerException broke(SysException e) {
        return new PeerException(String.valueOf(e.getMessage()), "", e);
    }

    /// Reads a request, or empty if the other side has ended the connection before it.
    Optional<RequestHeader> request() throws PeerException {
        return readOrEnd(small.address(), RequestHeader.BYTES)
                ? Optional.of(RequestHeader.read(small, 0))
                : Optional.empty();
    }

    ResponseHeader response() throws PeerException {
        readFully(small.address(), ResponseHeader.BYTES);
        return ResponseHeader.read(small, 0);
    }

    MemoryRange readRange() throws PeerException {
        readFully(small.address(), MemoryRange.BYTES);
        return MemoryRange.read(small, 0);
    }

    void writeRange(MemoryRange range) throws PeerException {
        range.write(small, 0);
        write(small.address(), MemoryRange.BYTES);
    }

    /// The real one writes a header by itself, and what follows by itself.
    void send(RequestHeader header) throws PeerException {
        header.write(small, 0);
        write(small.address(), RequestHeader.BYTES);
    }

    void send(Command command) throws PeerException {
        send(RequestHeader.of(command, 0));
    }

    void answer(int status, long length) throws PeerException {
        new ResponseHeader(status, length).write(small, 0);
        write(small.address(), ResponseHeader.BYTES);
    }

    void send(Role role) throws PeerException {
        small.set(Wire.U16, 0, (short) role.code());
        write(small.address(), Wire.ROLE_BYTES);
    }

    void write(byte[] bytes) throws PeerException {
        for (int done = 0; done < bytes.length; ) {
            int part = (int) Math.min(bytes.length - done, small.byteSize());
            MemorySegment.copy(MemorySegment.ofArray(bytes), done, small, 0, part);
            write(small.address(), part);
            done += part;
        }
    }

    int readRole() throws PeerException {
        readFully(small.address(), Wire.ROLE_BYTES);
        return Short.toUnsignedInt(small.get(Wire.U16, 0));
    }

    byte[] read(int count) throws PeerException {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count; ) {
            int part = (int) Math.min(count - done, small.byteSize());
            readFully(small.address(), part);
            MemorySegment.copy(small, 0, MemorySegment.ofArray(bytes), done, part);
            done += part;
        }
        return bytes;
    }

    void readFully(long address, long bytes) throws PeerException {
        if (!readOrEnd(address, bytes)) {
            throw new PeerException("failed to fill whole buffer", "");
        }
    }

    /// @return false at the end of the stream, before the first byte
    boolean readOrEnd(long address, long bytes) throws PeerException {
        for (long done = 0; done < bytes; ) {
            long part = readSome(address + done, bytes - done);
            if (part == 0 && done == 0) {
                return false;
            }
            if (part == 0) {
                throw new PeerException("failed to fill whole buffer", "");
            }
            done += part;
        }
        return true;
    }

    /// Reads what there is, at least a byte; 0 at the end of the stream.
    long readSome(long address, long bytes) throws PeerException {
        try {
            return SocketIo.receive(socket, address, bytes);
        } catch (SysException e) {
            throw broke(e);
        }
    }

    void write(long address, long bytes) throws PeerException {
        try {
            for (long done = 0; done < bytes; ) {
                done += SocketIo.send(socket, address + done, bytes - done);
            }
        } catch (SysException e) {
            throw broke(e);
        }
    }

    void sendDescriptor(int slot, Fd descriptor) throws PeerException {
        small.set(Wire.U32, 0, slot);
        try {
            SocketMessage.send(socket, small.address(), Wire.SLOT_BYTES, descriptor);
        } catch (SysException e) {
            throw broke(e);
        }
    }

    /// A slot and the descriptor of its memory.
    record Descriptor(int slot, Fd file) {}

    Descriptor receiveDescriptor() throws PeerException {
        try {
            SocketMessage.Received received = SocketMessage.receive(socket, small.address(), Wire.SLOT_BYTES);
            Optional<Fd> file = received.descriptor();
            if (received.bytes() != Wire.SLOT_BYTES || file.isEmpty()) {
                file.ifPresent(Fd::close);
                throw new PeerException("Failed to receive file descriptor from socket", "");
            }
            return new Descriptor(small.get(Wire.U32, 0), file.get());
        } catch (SysException e) {
            throw broke(e);
        }
    }

    /// Small messages go out at once; the real one does that for page faults only.
    void noDelay() throws PeerException {
        try {
            SocketOption.noDelay(socket);
        } catch (SysException e) {
            if (e.errno() != Errno.EOPNOTSUPP) { // a unix socket
                throw broke(e);
            }
        }
    }

    /// Whether something can be read, or the end be seen, within this time.
    boolean isReadable(int timeoutMs) throws PeerException {
        try {
            return Poll.wait(socket, Poll.POLLIN, timeoutMs) != 0;
        } catch (SysException e) {
            throw broke(e);
        }
    }

    /// Waits until the other side ends the connection, and ignores what it says.
    void awaitEnd() {
        try {
            while (readSome(small.address(), small.byteSize()) > 0) {
                // goes on
            }
        } catch (PeerException _) {
            // That is the end, too.
        }
    }

    /// Ends the connection; from any thread.
    synchronized void shutdown() {
        if (!closed) {
            Socket.shutdown(socket);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            socket.close();
            NativeMemory.unmap(small);
        }
    }
}
