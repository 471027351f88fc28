package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// What is done with an open file: `pread(2)`, `pwrite(2)`, `fsync(2)`, `fdatasync(2)`, `ftruncate(2)`,
/// `flock(2)`. Addresses are native memory that the caller owns for as long as the call lasts.
public final class FileIo {
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;

    private static final FunctionDescriptor TRANSFER =
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PREAD = Native.call("pread", TRANSFER);
    private static final MethodHandle PWRITE = Native.call("pwrite", TRANSFER);
    private static final MethodHandle FSYNC = Native.call("fsync", Native.ints(1));
    private static final MethodHandle FDATASYNC = Native.call("fdatasync", Native.ints(1));
    private static final MethodHandle FTRUNCATE =
            Native.call("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FLOCK = Native.call("flock", Native.ints(2));

    private FileIo() {}

    /// One `pread`: may return fewer bytes than asked for; 0 at the end of the file.
    public static long pread(Fd fd, long address, long bytes, long offset) throws SysException {
        MemorySegment capture = Native.capture();
        int number = fd.number();
        long result;
        try {
            do {
                result = Native.result((long) PREAD.invokeExact(capture, number, address, bytes, offset), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        if (result < 0) {
            throw new SysException("pread", (int) -result, fd + ", " + bytes + " bytes at " + offset);
        }
        return result;
    }

    /// Writes all bytes, in as few calls as the kernel allows.
    public static void pwriteAll(Fd fd, long address, long bytes, long offset) throws SysException {
        MemorySegment capture = Native.capture();
        int number = fd.number();
        long done = 0;
        while (done < bytes) {
            long result;
            try {
                result = Native.result(
                        (long) PWRITE.invokeExact(capture, number, address + done, bytes - done, offset + done),
                        capture);
            } catch (Throwable t) {
                throw Native.unexpected(t);
            }
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

    private static void sync(MethodHandle handle, String call, Fd fd) throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try {
            do {
                result = Native.result((int) handle.invokeExact(capture, fd.number()), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        Native.check(result, call, fd.toString());
    }

    /// Sets a file's length; new bytes are holes.
    public static void ftruncate(Fd fd, long bytes) throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try {
            do {
                result = Native.result((int) FTRUNCATE.invokeExact(capture, fd.number(), bytes), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        Native.check(result, "ftruncate", fd + ", " + bytes + " bytes");
    }

    /// Locks the open file against other lockers, until it is closed.
    ///
    /// @return false if someone else has it
    public static boolean flockExclusiveNonBlocking(Fd fd) throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try {
            do {
                result = Native.result((int) FLOCK.invokeExact(capture, fd.number(), LOCK_EX | LOCK_NB), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        if (result == -Errno.EAGAIN) {
            return false;
        }
        Native.check(result, "flock", fd.toString());
        return true;
    }
}
