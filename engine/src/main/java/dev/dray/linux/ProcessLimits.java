package dev.dray.linux;

import java.lang.foreign.Arena;

/// `setrlimit(2)`, `prctl(2)`.
public final class ProcessLimits {
    static final int RLIMIT_CORE = 4;
    static final int PR_SET_DUMPABLE = 4;
    static final int RLIMIT_STRUCT_BYTES = 16;

    private static final CFunction SETRLIMIT = CFunction.of("setrlimit");
    private static final CFunction PRCTL = CFunction.of("prctl");

    private ProcessLimits() {}

    /// Keeps keys and guest memory out of core files, and other processes of the same user from reading this
    /// one's memory. It holds for the rest of the process's life.
    public static void noCoreDumps() {
        try (Arena arena = Arena.ofConfined()) {
            long zeros = arena.allocate(RLIMIT_STRUCT_BYTES, Long.BYTES).address(); // rlim_cur, rlim_max
            Native.check(SETRLIMIT.intOrErrno(RLIMIT_CORE, zeros), "setrlimit", "RLIMIT_CORE, 0");
            Native.check(PRCTL.intOrErrno(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl", "PR_SET_DUMPABLE, 0");
        } catch (SysException e) {
            throw new IllegalStateException(e); // lowering one's own limits cannot be refused
        }
    }
}
