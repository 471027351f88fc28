package dev.dray.linux;

/// `mmap(2)`, `munmap(2)`.
public final class Mmap {
    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 1;
    static final int MAP_PRIVATE = 2;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;
    static final int NO_FD = -1;

    private static final CFunction MMAP = CFunction.of("mmap");
    private static final CFunction MUNMAP = CFunction.of("munmap");

    private Mmap() {}

    /// Maps the first `bytes` of a file, shared, for reading and writing.
    ///
    /// @return the address
    public static long mapShared(Fd fd, long bytes) throws SysException {
        return mmap(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.number());
    }

    /// As [#mapShared], without huge pages being set aside for it: to touch one that is not there, and that the system
    /// does not have, is fatal.
    public static long mapSharedUnreserved(Fd fd, long bytes) throws SysException {
        return mmap(bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.number());
    }

    /// Removes a mapping; a failure is a defect of ours.
    public static void unmap(long address, long bytes) {
        try {
            Native.check(MUNMAP.intOrErrno(address, bytes), "munmap", bytes + " bytes");
        } catch (SysException e) {
            throw new IllegalStateException(e);
        }
    }

    static long mmap(long bytes, int protection, int flags, int fd) throws SysException {
        // Addresses of user space are not negative as a long, and MAP_FAILED is -1.
        long result = MMAP.longOrErrno(0, bytes, protection, flags, fd, 0);
        Native.check(result, "mmap", bytes + " bytes");
        return result;
    }
}
