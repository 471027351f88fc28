package dev.dray.linux;

import java.lang.foreign.Arena;

/// `memfd_create(2)`: a file in memory, without a name in any directory.
public final class Memfd {
    static final int MFD_CLOEXEC = 1;

    private static final CFunction MEMFD_CREATE = CFunction.of("memfd_create");

    private Memfd() {}

    /// Makes a file of this length, all holes.
    ///
    /// @param name shown in `/proc/PID/maps`, need not be unique
    public static Fd create(String name, long bytes) throws SysException {
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = MEMFD_CREATE.intOrErrno(Native.cString(arena, name), MFD_CLOEXEC);
        }
        Native.check(result, "memfd_create", name);
        Fd fd = Fd.of(result);
        try {
            FileIo.ftruncate(fd, bytes);
            return fd;
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }
}
