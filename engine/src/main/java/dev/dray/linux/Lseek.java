package dev.dray.linux;

/// `lseek(2)`, as far as it tells where a file has bytes and where holes. It moves the position of the open file,
/// which all duplicates of a descriptor share, also those in another process: who was sent a descriptor opens the
/// file anew first ([OpenFile#reopen]).
public final class Lseek {
    /// There are no bytes from here to the end of the file.
    public static final long NONE = -1;

    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    private static final CFunction LSEEK = CFunction.of("lseek");

    private Lseek() {}

    /// The first offset, from this on, that is not in a hole, or [#NONE].
    public static long data(Fd fd, long offset) throws SysException {
        long result = LSEEK.longOrErrno(fd.number(), offset, SEEK_DATA, 0, 0, 0);
        if (result == -Errno.ENXIO) {
            return NONE;
        }
        Native.check(result, "lseek", fd + ", data from " + offset);
        return result;
    }

    /// The first hole from this offset on, at the latest the end of the file; [#NONE] from behind the end.
    public static long hole(Fd fd, long offset) throws SysException {
        long result = LSEEK.longOrErrno(fd.number(), offset, SEEK_HOLE, 0, 0, 0);
        if (result == -Errno.ENXIO) {
            return NONE;
        }
        Native.check(result, "lseek", fd + ", hole from " + offset);
        return result;
    }
}
