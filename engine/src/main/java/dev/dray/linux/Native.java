package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.Charset;
import java.util.Locale;

/// What the system calls share: numbers that differ between architectures, strings as C has them, failures.
final class Native {
    private static final boolean AARCH64 =
            System.getProperty("os.arch", "").toLowerCase(Locale.ROOT).equals("aarch64");
    private static final Charset PATH_CHARSET =
            Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"), Charset.defaultCharset());

    private Native() {}

    /// Returns if the result is not a failure.
    static void check(long result, String call, String args) throws SysException {
        if (result < 0) {
            throw new SysException(call, (int) -result, args);
        }
    }

    /// The number for this architecture.
    static int perArch(int amd64, int aarch64) {
        return AARCH64 ? aarch64 : amd64;
    }

    /// The address of a NUL-terminated string, in the bytes that the JDK uses for paths.
    static long cString(Arena arena, String text) {
        byte[] bytes = pathBytes(text);
        MemorySegment out = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, out, JAVA_BYTE, 0, bytes.length);
        return out.address();
    }

    /// A path as the kernel has it, without the NUL.
    static byte[] pathBytes(String path) {
        return path.getBytes(PATH_CHARSET);
    }
}
