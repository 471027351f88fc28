package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// What changes the entries of an open directory: `mkdirat(2)`, `unlinkat(2)`, `linkat(2)`, `renameat2(2)`.
public final class Directory {
    static final int RENAME_NOREPLACE = 1;

    private static final MethodHandle MKDIRAT =
            Native.call("mkdirat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle UNLINKAT =
            Native.call("unlinkat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final FunctionDescriptor TWO_NAMES =
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle LINKAT = Native.call("linkat", TWO_NAMES);
    private static final MethodHandle RENAMEAT2 = Native.call("renameat2", TWO_NAMES);

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

    /// Renames within the directory; fails with EEXIST if the name is taken, with EINVAL where the file system
    /// cannot do that.
    public static void renameNoReplace(Fd directory, String from, String to) throws SysException {
        twoNames(RENAMEAT2, "renameat2", directory, from, to, RENAME_NOREPLACE);
    }

    private static void oneName(MethodHandle handle, String call, Fd directory, String name, int argument)
            throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try (Arena arena = Arena.ofConfined()) {
            long cName = Native.cString(arena, name).address();
            do {
                result = Native.result((int) handle.invokeExact(capture, directory.number(), cName, argument), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        Native.check(result, call, name);
    }

    private static void twoNames(MethodHandle handle, String call, Fd directory, String from, String to, int flags)
            throws SysException {
        MemorySegment capture = Native.capture();
        long result;
        try (Arena arena = Arena.ofConfined()) {
            long cFrom = Native.cString(arena, from).address();
            long cTo = Native.cString(arena, to).address();
            int in = directory.number();
            do {
                result = Native.result((int) handle.invokeExact(capture, in, cFrom, in, cTo, flags), capture);
            } while (result == -Errno.EINTR);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        Native.check(result, call, from + ", " + to);
    }
}
