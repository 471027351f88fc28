package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/// `setsockopt(2)` and `getsockopt(2)`, with options of `socket(7)` and `tcp(7)`.
public final class SocketOption {
    static final int SOL_SOCKET = 1;
    static final int SO_REUSEADDR = 2;
    static final int SO_ERROR = 4;
    static final int SO_KEEPALIVE = 9;
    static final int SO_PEERCRED = 17;
    static final int UCRED_BYTES = 12;
    static final int IPPROTO_TCP = 6;
    static final int TCP_NODELAY = 1;
    static final int TCP_KEEPIDLE = 4;
    static final int TCP_KEEPINTVL = 5;
    static final int TCP_KEEPCNT = 6;
    static final int TCP_QUICKACK = 12;
    static final int TCP_USER_TIMEOUT = 18;

    private static final CFunction SETSOCKOPT = CFunction.of("setsockopt");
    private static final CFunction GETSOCKOPT = CFunction.of("getsockopt");

    private static final ThreadLocal<MemorySegment> VALUES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_INT));

    private SocketOption() {}

    /// Sends small messages at once.
    public static void noDelay(Fd fd) throws SysException {
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }

    /// Acknowledges what arrives at once. The kernel forgets this after a while: it is asked for before each read.
    public static void quickAck(Fd fd) throws SysException {
        set(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
    }

    /// Notices a peer that is gone without a word.
    ///
    /// @param idleSeconds silence before the first probe
    /// @param probes unanswered ones that end the connection
    /// @param deadMs how long sent bytes may stay unacknowledged
    public static void keepAlive(Fd fd, int idleSeconds, int intervalSeconds, int probes, int deadMs)
            throws SysException {
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idleSeconds);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, intervalSeconds);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, deadMs);
    }

    static void reuseAddress(Fd fd) throws SysException {
        set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }

    /// The error that a connection attempt ended with, 0 for none.
    static int error(Fd fd) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment bytes = arena.allocateFrom(JAVA_INT, Integer.BYTES);
            Native.check(
                    GETSOCKOPT.intOrErrno(fd.number(), SOL_SOCKET, SO_ERROR, value.address(), bytes.address()),
                    "getsockopt",
                    fd.toString());
            return value.get(JAVA_INT, 0);
        }
    }

    /// The process that called `listen` or `connect` at the other end of a unix socket; empty if it is not known.
    public static OptionalLong peerProcess(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(UCRED_BYTES, Integer.BYTES);
            MemorySegment bytes = arena.allocateFrom(JAVA_INT, UCRED_BYTES);
            int result =
                    GETSOCKOPT.intOrErrno(fd.number(), SOL_SOCKET, SO_PEERCRED, credentials.address(), bytes.address());
            return result < 0 ? OptionalLong.empty() : OptionalLong.of(credentials.get(JAVA_INT, 0));
        }
    }

    private static void set(Fd fd, int level, int option, int value) throws SysException {
        MemorySegment at = VALUES.get();
        at.set(JAVA_INT, 0, value);
        int result = SETSOCKOPT.intOrErrno(fd.number(), level, option, at.address(), Integer.BYTES);
        if (result < 0) {
            throw new SysException("setsockopt", -result, fd + ", option " + option + " of level " + level);
        }
    }
}
