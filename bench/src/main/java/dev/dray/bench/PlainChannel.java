package dev.dray.bench;

import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SocketMessage;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A connection of Cloud Hypervisor's migration with as little around it as can be: what Dray is measured beside.
/// Belongs to one thread.
final class PlainChannel implements AutoCloseable {
    /// Bytes in one piece of what is long.
    static final int PIECE_BYTES = 1 << 20;

    private final Fd socket;
    private final boolean tcp;
    private final MemorySegment buffer = NativeMemory.map(PIECE_BYTES);

    PlainChannel(Fd socket, boolean tcp) {
        this.socket = socket;
        this.tcp = tcp;
    }

    /// Reads some bytes into the beginning of the buffer; false at the end of the stream.
    boolean read(long bytes) throws IOException, SysException {
        for (long done = 0; done < bytes; ) {
            if (tcp && bytes < PIECE_BYTES) {
                SocketOption.quickAck(socket); // or the VMM, which has Nagle's algorithm on, waits 40 ms
            }
            long got = SocketIo.receive(socket, buffer.address() + done, bytes - done);
            if (got == 0 && done == 0) {
                return false;
            }
            if (got == 0) {
                throw new IOException("cut after " + done + " of " + bytes);
            }
            done += got;
        }
        return true;
    }

    /// What was read.
    MemorySegment buffer() {
        return buffer;
    }

    RequestHeader request() throws IOException, SysException {
        return read(RequestHeader.BYTES) ? RequestHeader.read(buffer, 0) : new RequestHeader(0, 0, 0);
    }

    byte[] document(long bytes) throws IOException, SysException {
        byte[] document = new byte[Math.toIntExact(bytes)];
        for (int done = 0; done < document.length; ) {
            int part = Math.min(document.length - done, PIECE_BYTES);
            read(part);
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, document, done, part);
            done += part;
        }
        return document;
    }

    /// Reads and forgets.
    void skip(long bytes) throws IOException, SysException {
        for (long left = bytes; left > 0; left -= Math.min(left, PIECE_BYTES)) {
            read(Math.min(left, PIECE_BYTES));
        }
    }

    SocketMessage.Received descriptor() throws SysException {
        return SocketMessage.receive(socket, buffer.address(), Wire.SLOT_BYTES);
    }

    void ok() throws SysException {
        new ResponseHeader(ResponseHeader.OK, 0).write(buffer, 0);
        write(ResponseHeader.BYTES);
    }

    void say(Role role) throws SysException {
        buffer.set(Wire.U16, 0, (short) role.code());
        write(Wire.ROLE_BYTES);
    }

    /// Sends a request, and takes its answer.
    void ask(Command command, byte[] document) throws IOException, SysException {
        RequestHeader.of(command, document.length).write(buffer, 0);
        MemorySegment.copy(document, 0, buffer, ValueLayout.JAVA_BYTE, RequestHeader.BYTES, document.length);
        write(RequestHeader.BYTES + document.length);
        answer();
    }

    void ask(int slot, Fd memory) throws IOException, SysException {
        RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES).write(buffer, 0);
        write(RequestHeader.BYTES);
        buffer.set(Wire.U32, 0, slot);
        SocketMessage.send(socket, buffer.address(), Wire.SLOT_BYTES, memory);
        answer();
    }

    private void answer() throws IOException, SysException {
        if (!read(ResponseHeader.BYTES) || ResponseHeader.read(buffer, 0).status() != ResponseHeader.OK) {
            throw new IOException("the VMM said no");
        }
    }

    void write(long bytes) throws SysException {
        for (long done = 0; done < bytes; ) {
            done += SocketIo.send(socket, buffer.address() + done, bytes - done);
        }
    }

    @Override
    public void close() {
        socket.close();
        NativeMemory.unmap(buffer);
    }
}
