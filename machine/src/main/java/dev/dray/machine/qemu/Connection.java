package dev.dray.machine.qemu;

import dev.dray.error.PeerException;
import dev.dray.vmm.qemu.wire.ByteSink;
import dev.dray.vmm.qemu.wire.ByteSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;

/// One connection of a migration. Blocking; [#close] ends a wait in another thread.
final class Connection implements ByteSource, ByteSink, AutoCloseable {
    /// Bytes per system call.
    private static final long CALL_BYTES_MAX = 1 << 20;

    private final SocketChannel channel;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean endSeen;

    Connection(SocketChannel channel) {
        this.channel = channel;
    }

    @Override
    public int read(MemorySegment into) throws PeerException {
        ByteBuffer buffer =
                into.asSlice(0, Math.min(into.byteSize(), CALL_BYTES_MAX)).asByteBuffer();
        try {
            int got = channel.read(buffer);
            endSeen |= got < 0;
            return got;
        } catch (IOException e) {
            endSeen = true;
            throw broken("read from", e);
        }
    }

    @Override
    public void write(MemorySegment from) throws PeerException {
        ByteBuffer buffer = from.asByteBuffer();
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw broken("write to", e);
        }
    }

    private static PeerException broken(String what, IOException e) {
        String reason = e instanceof ClosedChannelException ? "Connection reset by peer" : e.getMessage();
        return new PeerException("Unable to " + what + " socket: " + reason, "", e);
    }

    /// Whether the peer has ended the connection, seen by a read.
    boolean endSeen() {
        return endSeen;
    }

    /// Does nothing until somebody closes it, here or there.
    ///
    /// @param isRead whether another thread reads from it, which then closes it at its end
    void awaitEnd(boolean isRead) throws PeerException {
        try {
            if (isRead) {
                closed.await();
            } else {
                int _ = channel.read(ByteBuffer.allocate(1));
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (IOException _) {
            // That is the end.
        }
        throw new PeerException("Unable to write to socket: Connection reset by peer", "");
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
