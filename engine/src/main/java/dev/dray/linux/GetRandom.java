package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `getrandom(2)`: the kernel's random generator, without any state in this process that a copy of the process
/// or of the machine could share.
public final class GetRandom {
    private static final MethodHandle GETRANDOM =
            Native.call("getrandom", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));

    private GetRandom() {}

    /// Fills native memory with random bytes; waits, once after boot, until the kernel has enough.
    public static void fill(MemorySegment memory) {
        MemorySegment capture = Native.capture();
        long address = memory.address();
        long bytes = memory.byteSize();
        try {
            for (long done = 0; done < bytes; ) {
                long result =
                        Native.result((long) GETRANDOM.invokeExact(capture, address + done, bytes - done, 0), capture);
                if (result == -Errno.EINTR) {
                    continue;
                }
                Native.check(result, "getrandom", bytes + " bytes");
                done += result;
            }
        } catch (SysException e) {
            throw new IllegalStateException("The kernel gives no random bytes", e);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
