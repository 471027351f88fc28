package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Locale;

/// A C function whose arguments are integers and pointers, six at most, and whose result is one or nothing.
/// Calls are normal downcalls. `Linker.Option.critical` is never used: a call that blocks on a missing page
/// would hold up every safepoint.
///
/// All functions are called in one shape: six `long`, to a `long`. The ABIs that Dray runs on pass six integers
/// or pointers in registers, also to a variadic function; a callee reads the registers of its own arguments
/// only, and of an `int` only the low half. The JVM generates code and some twenty hidden classes for each shape
/// it meets, about 10 ms each time; with a shape for each function, those were most of a short command's life.
///
/// An `int` is passed as it is, and taken out of a result by a cast; the high half of a result may be anything.
public final class CFunction {
    private static final String ARCH = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle PLAIN = link();

    /// Leaves `errno` in a segment of the calling thread, in the same call: another call of the JVM on that thread
    /// may change it before Java could ask.
    private static final MethodHandle CAPTURING = link(Linker.Option.captureCallState("errno"));

    private static final ThreadLocal<MemorySegment> CAPTURES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private final MemorySegment address;

    private CFunction(MemorySegment address) {
        this.address = address;
    }

    // SAFETY: what is called through this shape is named at each use of [#of], with arguments as its manual has them.
    @SuppressWarnings("restricted")
    private static MethodHandle link(Linker.Option... options) {
        if (!ARCH.equals("amd64") && !ARCH.equals("aarch64")) {
            throw new UnsupportedOperationException("Dray runs on amd64 and aarch64, not on " + ARCH);
        }
        FunctionDescriptor shape =
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        return Linker.nativeLinker().downcallHandle(shape, options);
    }

    /// A function of the C library.
    static CFunction of(String name) {
        return of(Linker.nativeLinker().defaultLookup(), name);
    }

    /// A function of a library that stays loaded.
    ///
    /// @throws UnsatisfiedLinkError if it has none of that name
    public static CFunction of(SymbolLookup library, String name) {
        return new CFunction(
                library.find(name).orElseThrow(() -> new UnsatisfiedLinkError("The library has no function " + name)));
    }

    /// Calls a function that says itself how it went.
    public long call(long a, long b, long c, long d, long e, long f) {
        try {
            return (long) PLAIN.invokeExact(address, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    public long call() {
        return call(0, 0, 0, 0, 0, 0);
    }

    public long call(long a) {
        return call(a, 0, 0, 0, 0, 0);
    }

    public long call(long a, long b) {
        return call(a, b, 0, 0, 0, 0);
    }

    public long call(long a, long b, long c) {
        return call(a, b, c, 0, 0, 0);
    }

    public long call(long a, long b, long c, long d) {
        return call(a, b, c, d, 0, 0);
    }

    public long call(long a, long b, long c, long d, long e) {
        return call(a, b, c, d, e, 0);
    }

    /// Calls a function that returns a `long` or a pointer: what it returned if that is not negative, else `-errno`.
    long longOrErrno(long a, long b, long c, long d, long e, long f) {
        MemorySegment capture = CAPTURES.get();
        long returned = capturing(capture, a, b, c, d, e, f);
        return returned >= 0 ? returned : -(long) (int) ERRNO.get(capture, 0L);
    }

    /// Calls a function that returns an `int`: what it returned if that is not negative, else `-errno`.
    int intOrErrno(long a, long b, long c, long d, long e) {
        MemorySegment capture = CAPTURES.get();
        int returned = (int) capturing(capture, a, b, c, d, e, 0);
        return returned >= 0 ? returned : -(int) ERRNO.get(capture, 0L);
    }

    int intOrErrno(long a) {
        return intOrErrno(a, 0, 0, 0, 0);
    }

    int intOrErrno(long a, long b) {
        return intOrErrno(a, b, 0, 0, 0);
    }

    int intOrErrno(long a, long b, long c) {
        return intOrErrno(a, b, c, 0, 0);
    }

    int intOrErrno(long a, long b, long c, long d) {
        return intOrErrno(a, b, c, d, 0);
    }

    private long capturing(MemorySegment capture, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CAPTURING.invokeExact(address, capture, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// `MethodHandle.invokeExact` declares any Throwable; what is really thrown around a downcall is unchecked.
    private static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError("A downcall threw", thrown);
    }
}
