package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// `poll(2)` on one descriptor. Waits are as long as the caller says, never without end: who waits for a peer
/// looks in between whether the operation is cancelled.
public final class Poll {
    public static final int POLLIN = 1;
    public static final int POLLOUT = 4;
    public static final int POLLERR = 8;
    public static final int POLLHUP = 0x10;

    static final int POLLFD_BYTES = 8;
    static final int EVENTS_OFFSET = 4;
    static final int REVENTS_OFFSET = 6;

    private static final CFunction POLL = CFunction.of("poll");

    private static final ThreadLocal<MemorySegment> ENTRIES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(POLLFD_BYTES, Integer.BYTES));

    private Poll() {}

    /// Waits until one of the events is there, or an error or the peer's end, which are always told.
    ///
    /// @return what is there; 0 after the time, or earlier after a signal
    public static int wait(Fd fd, int events, int timeoutMs) throws SysException {
        MemorySegment entry = ENTRIES.get();
        entry.set(JAVA_INT, 0, fd.number());
        entry.set(JAVA_SHORT, EVENTS_OFFSET, (short) events);
        entry.set(JAVA_SHORT, REVENTS_OFFSET, (short) 0);
        int result = POLL.intOrErrno(entry.address(), 1, timeoutMs);
        if (result == -Errno.EINTR || result == 0) {
            return 0;
        }
        Native.check(result, "poll", fd.toString());
        return entry.get(JAVA_SHORT, REVENTS_OFFSET);
    }

    /// Waits for nothing.
    static void pause(int timeoutMs) {
        POLL.intOrErrno(0, 0, timeoutMs);
    }
}
