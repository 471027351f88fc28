package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `memfd_create(2)`: a file in memory, without a name in any directory.
public final class Memfd {
    static final int MFD_CLOEXEC = 1;

    private static final MethodHandle MEMFD_CREATE =
            Native.call("memfd_create", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));

    private Memfd() {}

    /// Makes a file of this length, all holes.
    ///
    /// @param name shown in `/proc/PID/maps`, need not be unique
    public static Fd create(String name, long bytes) throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try (Arena arena = Arena.ofConfined()) {
            long cName = Native.cString(arena, name).address();
            result = Native.result((int) MEMFD_CREATE.invokeExact(capture, cName, MFD_CLOEXEC), capture);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        Native.check(result, "memfd_create", name);
        Fd fd = Fd.of((int) result);
        try {
            FileIo.ftruncate(fd, bytes);
            return fd;
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }
}
