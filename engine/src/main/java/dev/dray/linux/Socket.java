package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/// Stream sockets: `socket(2)`, `bind(2)`, `listen(2)`, `accept4(2)`, `connect(2)`, `shutdown(2)`,
/// `getsockname(2)`. The JDK's own sockets cannot carry descriptors and do not show theirs.
///
/// A listening socket does not block, so that nobody waits in `accept` for a peer who went away between `poll`
/// and there. A connected one blocks, unless a call says otherwise.
public final class Socket {
    static final int SOCK_STREAM = 1;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SHUT_RDWR = 2;

    private static final CFunction SOCKET = CFunction.of("socket");
    private static final CFunction BIND = CFunction.of("bind");
    private static final CFunction LISTEN = CFunction.of("listen");
    private static final CFunction ACCEPT4 = CFunction.of("accept4");
    private static final CFunction CONNECT = CFunction.of("connect");
    private static final CFunction SHUTDOWN = CFunction.of("shutdown");
    private static final CFunction GETSOCKNAME = CFunction.of("getsockname");

    private Socket() {}

    /// Makes a socket file and listens on it; who may connect is decided by the directory it lies in.
    ///
    /// @throws SysException with EADDRINUSE if the path exists, whatever it is
    public static Fd listenUnix(Path path, int backlog) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SocketAddress.unix(arena, path);
            return listen(SocketAddress.AF_UNIX, address, backlog, path.toString());
        }
    }

    /// Listens on an address of this host; port 0 takes any free one, [#localPort] tells which.
    public static Fd listenTcp(InetSocketAddress at, int backlog) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            return listen(SocketAddress.family(at), SocketAddress.inet(arena, at), backlog, at.toString());
        }
    }

    private static Fd listen(int family, MemorySegment address, int backlog, String what) throws SysException {
        Fd fd = socket(family, SOCK_NONBLOCK);
        try {
            if (family != SocketAddress.AF_UNIX) {
                SocketOption.reuseAddress(fd);
            }
            Native.check(BIND.intOrErrno(fd.number(), address.address(), address.byteSize()), "bind", what);
            Native.check(LISTEN.intOrErrno(fd.number(), backlog), "listen", what);
            return fd;
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }

    /// Takes a connection that waits.
    ///
    /// @throws SysException with EAGAIN if none does
    public static Fd accept(Fd listener) throws SysException {
        int result;
        do {
            result = ACCEPT4.intOrErrno(listener.number(), 0, 0, SOCK_CLOEXEC);
        } while (result == -Errno.EINTR || result == -Errno.ECONNABORTED);
        Native.check(result, "accept4", listener.toString());
        return Fd.of(result);
    }

    /// Connects to a listener of this host, waiting no longer than this for a place in its queue.
    ///
    /// @throws SysException with ETIMEDOUT if it has none
    public static Fd connectUnix(Path path, int timeoutMs) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            return connect(SocketAddress.AF_UNIX, SocketAddress.unix(arena, path), timeoutMs, path.toString());
        }
    }

    /// Connects to a host, waiting no longer than this for it.
    ///
    /// @throws SysException with ETIMEDOUT if it does not answer
    public static Fd connectTcp(InetSocketAddress to, int timeoutMs) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            return connect(SocketAddress.family(to), SocketAddress.inet(arena, to), timeoutMs, to.toString());
        }
    }

    private static Fd connect(int family, MemorySegment address, int timeoutMs, String what) throws SysException {
        Fd fd = socket(family, SOCK_NONBLOCK);
        try {
            long start = System.nanoTime();
            int result = CONNECT.intOrErrno(fd.number(), address.address(), address.byteSize());
            while (result == -Errno.EAGAIN && millisSince(start) < timeoutMs) { // a unix listener's queue is full
                Poll.pause(1);
                result = CONNECT.intOrErrno(fd.number(), address.address(), address.byteSize());
            }
            if (result == -Errno.EINPROGRESS || result == -Errno.EINTR) {
                while (Poll.wait(fd, Poll.POLLOUT, Math.clamp(timeoutMs - millisSince(start), 0, 100)) == 0) {
                    if (millisSince(start) >= timeoutMs) {
                        throw new SysException("connect", Errno.ETIMEDOUT, what);
                    }
                }
                result = -SocketOption.error(fd);
            }
            Native.check(result == -Errno.EAGAIN ? -Errno.ETIMEDOUT : result, "connect", what);
            OpenFile.setBlocking(fd);
            return fd;
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }

    private static long millisSince(long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }

    private static Fd socket(int family, int flags) throws SysException {
        int result = SOCKET.intOrErrno(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
        Native.check(result, "socket", "family " + family);
        return Fd.of(result);
    }

    /// Ends both directions: who reads or writes in another thread returns, and so does the peer. Nothing happens
    /// where there is no connection any more.
    public static void shutdown(Fd fd) {
        SHUTDOWN.intOrErrno(fd.number(), SHUT_RDWR);
    }

    /// The port that a TCP socket has on this host.
    public static int localPort(Fd fd) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.SOCKADDR_IN6_BYTES, Long.BYTES);
            MemorySegment bytes = arena.allocateFrom(JAVA_INT, SocketAddress.SOCKADDR_IN6_BYTES);
            Native.check(
                    GETSOCKNAME.intOrErrno(fd.number(), address.address(), bytes.address()),
                    "getsockname",
                    fd.toString());
            return SocketAddress.port(address);
        }
    }
}
