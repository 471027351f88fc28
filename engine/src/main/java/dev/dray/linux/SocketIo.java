package dev.dray.linux;

/// `send(2)` and `recv(2)`. A peer that is gone is an error, never a signal. Descriptors that arrive with the
/// bytes are lost here: where one is expected, [SocketMessage] reads.
public final class SocketIo {
    /// What a call that does not wait returns when there is nothing to read, or no room to write.
    public static final long WOULD_BLOCK = -1;

    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_NOSIGNAL = 0x4000;

    private static final CFunction SEND = CFunction.of("send");
    private static final CFunction RECV = CFunction.of("recv");

    private SocketIo() {}

    /// Waits for bytes and takes those that are there; 0 at the end of the stream. Only [Socket#shutdown] in another
    /// thread ends the wait early, as an end of the stream.
    public static long receive(Fd fd, long address, long bytes) throws SysException {
        return transfer(RECV, "recv", fd, address, bytes, 0);
    }

    /// As [#receive], without waiting.
    public static long receiveNow(Fd fd, long address, long bytes) throws SysException {
        return transfer(RECV, "recv", fd, address, bytes, MSG_DONTWAIT);
    }

    /// Sends some of the bytes, at least one, waiting for room.
    public static long send(Fd fd, long address, long bytes) throws SysException {
        return transfer(SEND, "send", fd, address, bytes, MSG_NOSIGNAL);
    }

    /// As [#send], without waiting.
    public static long sendNow(Fd fd, long address, long bytes) throws SysException {
        return transfer(SEND, "send", fd, address, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    private static long transfer(CFunction call, String name, Fd fd, long address, long bytes, int flags)
            throws SysException {
        int number = fd.number();
        long result;
        do {
            result = call.longOrErrno(number, address, bytes, flags, 0, 0);
        } while (result == -Errno.EINTR);
        if (result >= 0) {
            return result;
        }
        if (result == -Errno.EAGAIN && (flags & MSG_DONTWAIT) != 0) {
            return WOULD_BLOCK;
        }
        throw new SysException(name, (int) -result, fd + ", " + bytes + " bytes");
    }
}
