package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// `statx(2)`, whose structure is the same on all architectures.
///
/// @param mode file type and permission bits, as in `stat.h`
/// @param bytes the length
public record Statx(int mode, long bytes) {
    static final int STRUCT_BYTES = 256;
    static final int STX_MODE_OFFSET = 28;
    static final int STX_SIZE_OFFSET = 40;
    static final int STATX_TYPE = 0x1;
    static final int STATX_MODE = 0x2;
    static final int STATX_SIZE = 0x200;
    static final int AT_SYMLINK_NOFOLLOW = 0x100;
    static final int AT_EMPTY_PATH = 0x1000;
    static final int S_IFMT = 0xF000;
    static final int S_IFREG = 0x8000;
    static final int S_IFDIR = 0x4000;
    static final int S_IFLNK = 0xA000;

    private static final CFunction STATX = CFunction.of("statx");

    /// Of an entry of a directory; a symbolic link is described itself.
    public static Statx of(Fd directory, String name) throws SysException {
        return statx(directory, name, AT_SYMLINK_NOFOLLOW);
    }

    /// Of an open file.
    public static Statx of(Fd fd) throws SysException {
        return statx(fd, "", AT_EMPTY_PATH);
    }

    public boolean isRegularFile() {
        return (mode & S_IFMT) == S_IFREG;
    }

    public boolean isDirectory() {
        return (mode & S_IFMT) == S_IFDIR;
    }

    public boolean isSymbolicLink() {
        return (mode & S_IFMT) == S_IFLNK;
    }

    private static Statx statx(Fd fd, String name, int flags) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(STRUCT_BYTES, Long.BYTES);
            long cName = Native.cString(arena, name);
            int wanted = STATX_TYPE | STATX_MODE | STATX_SIZE;
            int result;
            do {
                result = STATX.intOrErrno(fd.number(), cName, flags, wanted, out.address());
            } while (result == -Errno.EINTR);
            Native.check(result, "statx", name.isEmpty() ? fd.toString() : name);
            return new Statx(
                    Short.toUnsignedInt(out.get(JAVA_SHORT, STX_MODE_OFFSET)), out.get(JAVA_LONG, STX_SIZE_OFFSET));
        }
    }
}
