package dev.dray.vmm.qemu;

import dev.dray.error.PeerException;
import dev.dray.vmm.qemu.wire.ByteSink;
import dev.dray.vmm.qemu.wire.ByteSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/// A migration connection as source and sink of bytes. Blocking; closing the channel ends a wait in
/// another thread.
final class SocketBytes implements ByteSource, ByteSink {
    /// Bytes per system call: enough to cost nothing, little enough to be copied in cache.
    private static final long CALL_BYTES_MAX = 1 << 20;

    private final ByteChannel channel;

    private long count;
    private volatile long readBytes;

    SocketBytes(ByteChannel channel) {
        this.channel = channel;
    }

    /// How much was read so far; for any thread.
    long readBytes() {
        return readBytes;
    }

    @Override
    public int read(MemorySegment into) throws PeerException {
        ByteBuffer buffer =
                into.asSlice(0, Math.min(into.byteSize(), CALL_BYTES_MAX)).asByteBuffer();
        try {
            int bytes = channel.read(buffer);
            count += Math.max(bytes, 0);
            readBytes = count;
            return bytes;
        } catch (IOException e) {
            throw new PeerException("The migration connection broke: " + reason(e), "see QEMU's own log", e);
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
            throw new PeerException("The migration connection broke: " + reason(e), "see QEMU's own log", e);
        }
    }

    private static String reason(IOException e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }
}
