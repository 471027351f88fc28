package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// `cachestat(2)`: how much of a file is in memory. Of a file in memory that is what has a page, also one that
/// was only allocated, which `lseek(2)` calls a hole.
public final class Cachestat {
    /// The kernel is older than 6.5.
    public static final long UNKNOWN = -1;

    /// The same on every architecture, as all system calls since 2019.
    static final long SYS_CACHESTAT = 451;

    static final int CACHESTAT_BYTES = 40;

    private static final CFunction SYSCALL = CFunction.of("syscall");

    private Cachestat() {}

    /// How many pages of the range are there; [#UNKNOWN] if the kernel does not tell.
    public static long pages(Fd fd, long offset, long bytes) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(2L * Long.BYTES, Long.BYTES);
            range.set(JAVA_LONG, 0, offset);
            range.set(JAVA_LONG, Long.BYTES, bytes);
            MemorySegment found = arena.allocate(CACHESTAT_BYTES, Long.BYTES);
            long result = SYSCALL.longOrErrno(SYS_CACHESTAT, fd.number(), range.address(), found.address(), 0, 0);
            if (result == -Errno.ENOSYS) {
                return UNKNOWN;
            }
            Native.check(result, "cachestat", fd + ", " + bytes + " bytes at " + offset);
            return found.get(JAVA_LONG, 0);
        }
    }
}
