package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SocketMessage;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/// A connection in clear, over a unix socket or TCP.
///
/// Over TCP, what was received is acknowledged before each wait: Cloud Hypervisor writes a message's head and
/// body apart and has Nagle's algorithm on, so the body comes only once the head is acknowledged, which the
/// kernel would do 40 ms later. Twice that is most of a TCP migration's downtime.
final class SocketConnection implements Connection {
    /// Longest wait without a look at whether the operation is cancelled.
    private static final int TICK_MS = 50;

    private final Fd fd;
    private final boolean tcp;
    private final BooleanSupplier cancelled;
    private volatile boolean shut;
    private boolean closed;

    SocketConnection(Fd fd, boolean tcp, BooleanSupplier cancelled) {
        this.fd = fd;
        this.tcp = tcp;
        this.cancelled = cancelled;
    }

    @Override
    public void readFully(long address, long bytes) throws DrayException {
        if (bytes > 0 && !readOrEnd(address, bytes)) {
            throw ended(0, bytes);
        }
    }

    @Override
    public boolean readOrEnd(long address, long bytes) throws DrayException {
        long done = 0;
        while (done < bytes) {
            long count = readSome(address + done, bytes - done);
            if (count == 0 && done == 0) {
                return false;
            }
            if (count == 0) {
                throw ended(done, bytes);
            }
            done += count;
        }
        return true;
    }

    private long readSome(long address, long bytes) throws DrayException {
        try {
            long count = SocketIo.receiveNow(fd, address, bytes);
            while (count == SocketIo.WOULD_BLOCK) {
                await(Poll.POLLIN);
                count = SocketIo.receiveNow(fd, address, bytes);
            }
            return count;
        } catch (SysException e) {
            throw broken(e);
        }
    }

    @Override
    public long receive(long address, long bytes) {
        try {
            return SocketIo.receive(fd, address, bytes);
        } catch (SysException e) {
            return 0;
        }
    }

    @Override
    public OptionalLong peerProcess() {
        return tcp ? OptionalLong.empty() : SocketOption.peerProcess(fd);
    }

    private void await(int event) throws SysException, InterruptedOperation {
        if (tcp && event == Poll.POLLIN) {
            SocketOption.quickAck(fd);
        }
        do {
            if (cancelled.getAsBoolean()) {
                throw new InterruptedOperation("Interrupted", "");
            }
        } while (Poll.wait(fd, event, TICK_MS) == 0);
    }

    @Override
    public void write(long address, long bytes) throws DrayException {
        try {
            long done = 0;
            while (done < bytes) {
                long count = SocketIo.sendNow(fd, address + done, bytes - done);
                if (count == SocketIo.WOULD_BLOCK) {
                    await(Poll.POLLOUT);
                } else {
                    done += count;
                }
            }
        } catch (SysException e) {
            throw broken(e);
        }
    }

    @Override
    public void sendDescriptor(int slot, Fd descriptor) throws DrayException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(Wire.SLOT_BYTES);
            number.set(Wire.U32, 0, slot);
            while (Poll.wait(fd, Poll.POLLOUT, 0) == 0) {
                await(Poll.POLLOUT);
            }
            long sent = SocketMessage.send(fd, number.address(), Wire.SLOT_BYTES, descriptor);
            write(number.address() + sent, Wire.SLOT_BYTES - sent);
        } catch (SysException e) {
            throw broken(e);
        }
    }

    @Override
    public SentDescriptor receiveDescriptor() throws DrayException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(Wire.SLOT_BYTES);
            await(Poll.POLLIN);
            SocketMessage.Received received = SocketMessage.receive(fd, number.address(), Wire.SLOT_BYTES);
            Fd descriptor = received.descriptor()
                    .orElseThrow(() -> received.bytes() == 0
                            ? ended(0, Wire.SLOT_BYTES)
                            : new PeerException("A piece of memory came without its descriptor", ""));
            try {
                readFully(number.address() + received.bytes(), Wire.SLOT_BYTES - received.bytes());
                return new SentDescriptor(number.get(Wire.U32, 0), descriptor);
            } catch (DrayException e) {
                descriptor.close();
                throw e;
            }
        } catch (SysException e) {
            throw broken(e);
        }
    }

    @Override
    public boolean isQuiet() throws DrayException {
        try {
            return Poll.wait(fd, Poll.POLLIN, 0) == 0;
        } catch (SysException e) {
            throw broken(e);
        }
    }

    @Override
    public synchronized void shutdown() {
        if (!closed) {
            shut = true;
            Socket.shutdown(fd);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        fd.close();
    }

    private DrayException ended(long done, long bytes) {
        return shut
                ? new InterruptedOperation("The connection was given up", "")
                : new PeerException(
                        done == 0
                                ? "The other side ended the connection"
                                : "The other side ended the connection after " + done + " of " + bytes + " bytes",
                        "see Cloud Hypervisor's log");
    }

    private DrayException broken(SysException e) {
        return shut
                ? new InterruptedOperation("The connection was given up", "", e)
                : new PeerException(
                        "The connection to the other side broke: " + e.getMessage(), "see Cloud Hypervisor's log", e);
    }
}
