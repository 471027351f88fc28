package dev.dray.vmm.cloudhypervisor;

import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/// The bytes of one call to an API socket, with a limit on how long all of it may take.
final class ApiSocket extends InputStream {
    private static final int CHUNK_BYTES = 16 << 10;

    private final Fd fd;
    private final long deadline;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment chunk = arena.allocate(CHUNK_BYTES);

    private ApiSocket(Fd fd, long deadline) {
        this.fd = fd;
        this.deadline = deadline;
    }

    static ApiSocket connect(Path path, Duration patience) throws SysException {
        int ms = Math.clamp(patience.toMillis(), 1, Integer.MAX_VALUE);
        return new ApiSocket(Socket.connectUnix(path, ms), System.nanoTime() + patience.toNanos());
    }

    void write(byte[] bytes) throws IOException {
        int done = 0;
        while (done < bytes.length) {
            int count = Math.min(CHUNK_BYTES, bytes.length - done);
            MemorySegment.copy(bytes, done, chunk, ValueLayout.JAVA_BYTE, 0, count);
            try {
                long sent = SocketIo.sendNow(fd, chunk.address(), count);
                while (sent == SocketIo.WOULD_BLOCK) {
                    await(Poll.POLLOUT);
                    sent = SocketIo.sendNow(fd, chunk.address(), count);
                }
                done += (int) sent;
            } catch (SysException e) {
                throw new IOException(e.getMessage(), e);
            }
        }
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        try {
            long count = SocketIo.receiveNow(fd, chunk.address(), Math.min(length, CHUNK_BYTES));
            while (count == SocketIo.WOULD_BLOCK) {
                await(Poll.POLLIN);
                count = SocketIo.receiveNow(fd, chunk.address(), Math.min(length, CHUNK_BYTES));
            }
            MemorySegment.copy(chunk, ValueLayout.JAVA_BYTE, 0, into, offset, (int) count);
            return count == 0 ? -1 : (int) count;
        } catch (SysException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    OptionalLong peerProcess() {
        return SocketOption.peerProcess(fd);
    }

    private void await(int event) throws SysException, SocketTimeoutException {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            throw new SocketTimeoutException("no answer in time");
        }
        Poll.wait(fd, event, Math.clamp(left, 1, 1000));
    }

    @Override
    public void close() {
        fd.close();
        arena.close();
    }
}
