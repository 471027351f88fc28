package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `mmap(2)`, `munmap(2)`.
public final class Mmap {
    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 1;
    static final int MAP_PRIVATE = 2;
    static final int MAP_ANONYMOUS = 0x20;
    static final int NO_FD = -1;

    private static final MethodHandle MMAP = Native.call(
            "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            Native.call("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    private Mmap() {}

    /// Maps the first `bytes` of a file, shared, for reading and writing.
    ///
    /// @return the address
    public static long mapShared(Fd fd, long bytes) throws SysException {
        return mmap(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.number());
    }

    /// Removes a mapping; a failure is a defect of ours.
    public static void unmap(long address, long bytes) {
        MemorySegment capture = Native.capture();
        try {
            long result = Native.result((int) MUNMAP.invokeExact(capture, address, bytes), capture);
            Native.check(result, "munmap", bytes + " bytes");
        } catch (SysException e) {
            throw new IllegalStateException(e);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long mmap(long bytes, int protection, int flags, int fd) throws SysException {
        MemorySegment capture = Native.capture();
        try {
            // Addresses of user space are not negative as a long, and MAP_FAILED is -1.
            long result =
                    Native.result((long) MMAP.invokeExact(capture, 0L, bytes, protection, flags, fd, 0L), capture);
            Native.check(result, "mmap", bytes + " bytes");
            return result;
        } catch (SysException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
