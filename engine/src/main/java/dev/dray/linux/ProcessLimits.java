package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `setrlimit(2)`, `prctl(2)`.
public final class ProcessLimits {
    static final int RLIMIT_CORE = 4;
    static final int PR_SET_DUMPABLE = 4;
    static final int RLIMIT_STRUCT_BYTES = 16;

    private static final MethodHandle SETRLIMIT =
            Native.call("setrlimit", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle PRCTL = Native.variadicCall(
            "prctl", 1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private ProcessLimits() {}

    /// Keeps keys and guest memory out of core files, and other processes of the same user from reading this
    /// one's memory. It holds for the rest of the process's life.
    public static void noCoreDumps() {
        MemorySegment capture = Native.capture();
        try (Arena arena = Arena.ofConfined()) {
            long zeros = arena.allocate(RLIMIT_STRUCT_BYTES, Long.BYTES).address(); // rlim_cur, rlim_max
            long result = Native.result((int) SETRLIMIT.invokeExact(capture, RLIMIT_CORE, zeros), capture);
            Native.check(result, "setrlimit", "RLIMIT_CORE, 0");
            result = Native.result((int) PRCTL.invokeExact(capture, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L), capture);
            Native.check(result, "prctl", "PR_SET_DUMPABLE, 0");
        } catch (SysException e) {
            throw new IllegalStateException(e); // lowering one's own limits cannot be refused
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
