package dev.dray.linux;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/// `mkfifo(3)`: a pipe with a name.
public final class Fifo {
    private static final CFunction MKFIFO = CFunction.of("mkfifo");

    private Fifo() {}

    /// Makes a pipe; fails with EEXIST if the name is taken.
    public static void make(Path path, int mode) throws SysException {
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = MKFIFO.intOrErrno(Native.cString(arena, path.toString()), mode);
        }
        Native.check(result, "mkfifo", path.toString());
    }
}
