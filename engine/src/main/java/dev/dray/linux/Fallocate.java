package dev.dray.linux;

/// `fallocate(2)`.
public final class Fallocate {
    static final int FALLOC_FL_KEEP_SIZE = 1;
    static final int FALLOC_FL_PUNCH_HOLE = 2;

    private static final CFunction FALLOCATE = CFunction.of("fallocate");

    private Fallocate() {}

    /// Makes pages of zeros where there are holes, and changes nothing else. A page that another process waits for
    /// is there when this returns; [Lseek] may tell of a hole until somebody touches it.
    public static void materialise(Fd fd, long offset, long bytes) throws SysException {
        fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, bytes);
    }

    /// Makes a hole, whatever was there.
    public static void punchHole(Fd fd, long offset, long bytes) throws SysException {
        fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, bytes);
    }

    private static void fallocate(Fd fd, int mode, long offset, long bytes) throws SysException {
        int result;
        do {
            result = FALLOCATE.intOrErrno(fd.number(), mode, offset, bytes, 0);
        } while (result == -Errno.EINTR);
        if (result < 0) {
            throw new SysException("fallocate", -result, fd + ", " + bytes + " bytes at " + offset);
        }
    }
}
