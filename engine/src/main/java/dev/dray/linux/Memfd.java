package dev.dray.linux;

import java.lang.foreign.Arena;

/// `memfd_create(2)`: a file in memory, without a name in any directory.
public final class Memfd {
    static final int MFD_CLOEXEC = 1;
    static final int MFD_HUGETLB = 4;
    static final int MFD_HUGE_SHIFT = 26;

    private static final CFunction MEMFD_CREATE = CFunction.of("memfd_create");

    private Memfd() {}

    /// Makes a file of this length, all holes.
    ///
    /// @param name shown in `/proc/PID/maps`, need not be unique
    public static Fd create(String name, long bytes) throws SysException {
        return create(name, bytes, MFD_CLOEXEC);
    }

    /// As [#create], of huge pages of this size, a power of two. Such a file is filled through a mapping: it takes
    /// no writes. The pages themselves are looked for when it is mapped.
    ///
    /// @throws SysException with ENODEV if the kernel has no pages of this size
    public static Fd createHuge(String name, long bytes, long pageBytes) throws SysException {
        if (Long.bitCount(pageBytes) != 1) {
            throw new IllegalArgumentException("No page has " + pageBytes + " bytes");
        }
        int size = Long.numberOfTrailingZeros(pageBytes) << MFD_HUGE_SHIFT;
        return create(name, bytes, MFD_CLOEXEC | MFD_HUGETLB | size);
    }

    private static Fd create(String name, long bytes, int flags) throws SysException {
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = MEMFD_CREATE.intOrErrno(Native.cString(arena, name), flags);
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
