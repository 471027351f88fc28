package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/// The one door to the C library. Calls are normal downcalls that capture `errno` in the same call, into a
/// segment of the calling thread (another call of the JVM on that thread may change `errno` before Java could
/// ask for it). Pointers are passed as `long`: every ABI Dray runs on passes both in the same registers, and no
/// segment object is made per call.
///
/// `Linker.Option.critical` is never used: a call that blocks on a missing page would hold up every safepoint.
final class Native {
    /// x86-64 and AArch64 differ in a few numbers; others are refused when a handle is first asked for.
    private static final String ARCH = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);

    private static final boolean AARCH64 = ARCH.equals("aarch64");
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));
    private static final Charset PATH_CHARSET =
            Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"), Charset.defaultCharset());

    private Native() {}

    /// A handle whose first argument is [#capture].
    static MethodHandle call(String symbol, FunctionDescriptor shape) {
        return link(symbol, shape, Linker.Option.captureCallState("errno"));
    }

    /// As [#call] for a variadic function; some ABIs pass the arguments from this index on differently.
    static MethodHandle variadicCall(String symbol, int firstVariadicIndex, FunctionDescriptor shape) {
        return link(
                symbol,
                shape,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(firstVariadicIndex));
    }

    /// A handle to a function that does not set `errno`.
    static MethodHandle plainCall(String symbol, FunctionDescriptor shape) {
        return link(symbol, shape);
    }

    // SAFETY: symbols are functions of the C library with exactly these shapes; a wrong shape shows in
    // ConstantsTest and in each man page's own test.
    @SuppressWarnings("restricted")
    private static MethodHandle link(String symbol, FunctionDescriptor shape, Linker.Option... options) {
        if (!ARCH.equals("amd64") && !AARCH64) {
            throw new UnsupportedOperationException("Dray runs on amd64 and aarch64, not on " + ARCH);
        }
        MemorySegment function = LINKER.defaultLookup()
                .find(symbol)
                .orElseThrow(() -> new UnsupportedOperationException("The C library has no function " + symbol));
        return LINKER.downcallHandle(function, shape, options);
    }

    /// Where this thread's calls leave `errno`.
    static MemorySegment capture() {
        return CAPTURES.get();
    }

    /// What a call returned if it is not negative, else `-errno`.
    static long result(long returned, MemorySegment capture) {
        return returned >= 0 ? returned : -(long) (int) ERRNO.get(capture, 0L);
    }

    /// Returns if the result is not a failure.
    static void check(long result, String call, String args) throws SysException {
        if (result < 0) {
            throw new SysException(call, (int) -result, args);
        }
    }

    /// `MethodHandle.invokeExact` declares any Throwable; what is really thrown around a downcall is unchecked.
    static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError("A downcall threw", thrown);
    }

    /// The number for this architecture.
    static int perArch(int amd64, int aarch64) {
        return AARCH64 ? aarch64 : amd64;
    }

    /// A NUL-terminated path, in the bytes that the JDK uses for the same path.
    static MemorySegment cString(Arena arena, Path path) {
        return cString(arena, path.toString());
    }

    static MemorySegment cString(Arena arena, String text) {
        byte[] bytes = text.getBytes(PATH_CHARSET);
        MemorySegment out = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, out, JAVA_BYTE, 0, bytes.length);
        return out;
    }

    /// The layout of a C `int` result or argument.
    static FunctionDescriptor ints(int arguments) {
        MemoryLayout[] layouts = new MemoryLayout[arguments];
        Arrays.fill(layouts, JAVA_INT);
        return FunctionDescriptor.of(JAVA_INT, layouts);
    }
}
