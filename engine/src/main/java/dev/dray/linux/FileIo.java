package dev.dray.linux;

/// What is done with an open file: `pread(2)`, `pwrite(2)`, `fsync(2)`, `fdatasync(2)`, `ftruncate(2)`,
/// `flock(2)`. Addresses are native memory that the caller owns for as long as the call lasts.
public final class FileIo {
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;

    private static final CFunction PREAD = CFunction.of("pread");
    private static final CFunction PWRITE = CFunction.of("pwrite");
    private static final CFunction FSYNC = CFunction.of("fsync");
    private static final CFunction FDATASYNC = CFunction.of("fdatasync");
    private static final CFunction FTRUNCATE = CFunction.of("ftruncate");
    private static final CFunction FLOCK = CFunction.of("flock");

    private FileIo() {}

    /// One `pread`: may return fewer bytes than asked for; 0 at the end of the file.
    public static long pread(Fd fd, long address, long bytes, long offset) throws SysException {
        int number = fd.number();
        long result;
        do {
            result = PREAD.longOrErrno(number, address, bytes, offset, 0, 0);
        } while (result == -Errno.EINTR);
        if (result < 0) {
            throw new SysException("pread", (int) -result, fd + ", " + bytes + " bytes at " + offset);
        }
        return result;
    }

    /// Writes all bytes, in as few calls as the kernel allows.
    public static void pwriteAll(Fd fd, long address, long bytes, long offset) throws SysException {
        int number = fd.number();
        long done = 0;
        while (done < bytes) {
            long result = PWRITE.longOrErrno(number, address + done, bytes - done, offset + done, 0, 0);
            if (result == -Errno.EINTR) {
                continue;
            }
            if (result <= 0) {
                int errno = result == 0 ? Errno.EIO : (int) -result; // a file never takes 0 bytes
                throw new SysException("pwrite", errno, fd + ", " + (bytes - done) + " bytes at " + (offset + done));
            }
            done += result;
        }
    }

    /// Returns when the file's bytes and attributes are durable; of a directory, its entries.
    public static void fsync(Fd fd) throws SysException {
        sync(FSYNC, "fsync", fd);
    }

    /// Returns when the file's bytes, and what is needed to read them, are durable.
    public static void fdatasync(Fd fd) throws SysException {
        sync(FDATASYNC, "fdatasync", fd);
    }

    private static void sync(CFunction function, String call, Fd fd) throws SysException {
        int result;
        do {
            result = function.intOrErrno(fd.number());
        } while (result == -Errno.EINTR);
        Native.check(result, call, fd.toString());
    }

    /// Sets a file's length; new bytes are holes.
    public static void ftruncate(Fd fd, long bytes) throws SysException {
        int result;
        do {
            result = FTRUNCATE.intOrErrno(fd.number(), bytes);
        } while (result == -Errno.EINTR);
        Native.check(result, "ftruncate", fd + ", " + bytes + " bytes");
    }

    /// Locks the open file against other lockers, until it is closed.
    ///
    /// @return false if someone else has it
    public static boolean flockExclusiveNonBlocking(Fd fd) throws SysException {
        int result;
        do {
            result = FLOCK.intOrErrno(fd.number(), LOCK_EX | LOCK_NB);
        } while (result == -Errno.EINTR);
        if (result == -Errno.EAGAIN) {
            return false;
        }
        Native.check(result, "flock", fd.toString());
        return true;
    }
}
