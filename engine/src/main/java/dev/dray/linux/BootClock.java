package dev.dray.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The clock by which the kernel notes when processes began: `CLOCK_BOOTTIME` of `clock_gettime(2)`.
public final class BootClock {
    static final int CLOCK_BOOTTIME = 7;

    private static final CFunction CLOCK_GETTIME = CFunction.of("clock_gettime");
    private static final long TIMESPEC_BYTES = 16;

    private BootClock() {}

    /// Nanoseconds since the system was started, those in which it slept included.
    public static long nanos() throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(TIMESPEC_BYTES, Long.BYTES);
            Native.check(CLOCK_GETTIME.intOrErrno(CLOCK_BOOTTIME, time.address()), "clock_gettime", "");
            return time.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000 + time.get(ValueLayout.JAVA_LONG, Long.BYTES);
        }
    }
}
