package dev.dray.linux;

import java.lang.foreign.Arena;

/// What changes the entries of an open directory: `mkdirat(2)`, `unlinkat(2)`, `linkat(2)`, `renameat2(2)`.
public final class Directory {
    static final int RENAME_NOREPLACE = 1;
    static final int AT_SYMLINK_FOLLOW = 0x400;

    private static final CFunction MKDIRAT = CFunction.of("mkdirat");
    private static final CFunction UNLINKAT = CFunction.of("unlinkat");
    private static final CFunction LINKAT = CFunction.of("linkat");
    private static final CFunction RENAMEAT2 = CFunction.of("renameat2");

    private Directory() {}

    /// Makes a subdirectory.
    public static void make(Fd directory, String name, int mode) throws SysException {
        oneName(MKDIRAT, "mkdir", directory, name, mode);
    }

    /// Removes a file's name; a symbolic link is removed itself, not what it names.
    public static void unlink(Fd directory, String name) throws SysException {
        oneName(UNLINKAT, "unlink", directory, name, 0);
    }

    /// Gives a file a second name; fails with EEXIST if the name is taken.
    public static void link(Fd directory, String existing, String name) throws SysException {
        twoNames(LINKAT, "link", directory, existing, name, 0);
    }

    /// Gives an open file without a name its first; fails with EEXIST if the name is taken, with ENOENT where no
    /// `/proc` is mounted.
    public static void linkOpen(Fd file, Fd directory, String name) throws SysException {
        twoNames(LINKAT, "link", directory, "/proc/self/fd/" + file.number(), name, AT_SYMLINK_FOLLOW);
    }

    /// Renames within the directory; fails with EEXIST if the name is taken, with EINVAL where the file system
    /// cannot do that.
    public static void renameNoReplace(Fd directory, String from, String to) throws SysException {
        twoNames(RENAMEAT2, "renameat2", directory, from, to, RENAME_NOREPLACE);
    }

    private static void oneName(CFunction function, String call, Fd directory, String name, int argument)
            throws SysException {
        int result;
        try (Arena arena = Arena.ofConfined()) {
            long cName = Native.cString(arena, name);
            do {
                result = function.intOrErrno(directory.number(), cName, argument);
            } while (result == -Errno.EINTR);
        }
        Native.check(result, call, name);
    }

    private static void twoNames(CFunction function, String call, Fd directory, String from, String to, int flags)
            throws SysException {
        int result;
        try (Arena arena = Arena.ofConfined()) {
            long cFrom = Native.cString(arena, from);
            long cTo = Native.cString(arena, to);
            int in = directory.number();
            do {
                result = function.intOrErrno(in, cFrom, in, cTo, flags);
            } while (result == -Errno.EINTR);
        }
        Native.check(result, call, from + ", " + to);
    }
}
