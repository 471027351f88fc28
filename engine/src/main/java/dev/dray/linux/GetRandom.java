package dev.dray.linux;

import java.lang.foreign.MemorySegment;

/// `getrandom(2)`: the kernel's random generator, without any state in this process that a copy of the process
/// or of the machine could share.
public final class GetRandom {
    private static final CFunction GETRANDOM = CFunction.of("getrandom");

    private GetRandom() {}

    /// Fills native memory with random bytes; waits, once after boot, until the kernel has enough.
    public static void fill(MemorySegment memory) {
        long address = memory.address();
        long bytes = memory.byteSize();
        try {
            for (long done = 0; done < bytes; ) {
                long result = GETRANDOM.longOrErrno(address + done, bytes - done, 0, 0, 0, 0);
                if (result == -Errno.EINTR) {
                    continue;
                }
                Native.check(result, "getrandom", bytes + " bytes");
                done += result;
            }
        } catch (SysException e) {
            throw new IllegalStateException("The kernel gives no random bytes", e);
        }
    }
}
