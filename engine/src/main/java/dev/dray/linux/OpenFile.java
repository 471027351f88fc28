package dev.dray.linux;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/// `openat(2)`, and `fcntl(2)` for the flags of an open file.
public final class OpenFile {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_DIRECT = Native.perArch(0x4000, 0x10000);
    public static final int O_DIRECTORY = Native.perArch(0x10000, 0x4000);
    public static final int O_NOFOLLOW = Native.perArch(0x20000, 0x8000);

    /// A file without a name, in the directory that is opened; [Directory#linkOpen] gives it one.
    public static final int O_TMPFILE = 0x400000 | O_DIRECTORY;

    static final int AT_FDCWD = -100;
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;

    private static final CFunction OPENAT = CFunction.of("openat");
    private static final CFunction FCNTL = CFunction.of("fcntl");

    private OpenFile() {}

    /// Opens a file. `O_CLOEXEC` is always added: a VMM that Dray starts must not inherit a repository.
    ///
    /// @param mode permission bits of a file that is made, before the umask
    public static Fd open(Path path, int flags, int mode) throws SysException {
        return openAt(AT_FDCWD, path.toString(), flags, mode);
    }

    /// As [#open], with a name looked up in an open directory.
    public static Fd openAt(Fd directory, String name, int flags, int mode) throws SysException {
        return openAt(directory.number(), name, flags, mode);
    }

    private static Fd openAt(int directory, String name, int flags, int mode) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            long path = Native.cString(arena, name);
            int result;
            do {
                result = OPENAT.intOrErrno(directory, path, flags | O_CLOEXEC, mode);
            } while (result == -Errno.EINTR);
            Native.check(result, "open", name);
            return Fd.of(result);
        }
    }

    /// Whether further reads and writes go around the page cache, which asks for aligned addresses, lengths and
    /// offsets. Fails with EINVAL where the file system cannot do that.
    public static void setDirect(Fd fd, boolean direct) throws SysException {
        int flags = fcntl(fd, F_GETFL, 0);
        fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT);
    }

    /// Opens the file behind a descriptor once more: the same bytes, with a position of its own.
    public static Fd reopen(Fd fd, int flags) throws SysException {
        return open(Path.of("/proc/self/fd/" + fd.number()), flags, 0);
    }

    /// From now on reads and writes wait.
    static void setBlocking(Fd fd) throws SysException {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
    }

    private static int fcntl(Fd fd, int command, int argument) throws SysException {
        int result = FCNTL.intOrErrno(fd.number(), command, argument);
        Native.check(result, "fcntl", fd.toString());
        return result;
    }
}
