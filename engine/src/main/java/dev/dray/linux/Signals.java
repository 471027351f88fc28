package dev.dray.linux;

/// `kill(2)` and `raise(3)`.
public final class Signals {
    public static final int SIGINT = 2;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGTERM = 15;
    public static final int SIGSTOP = 19;

    private static final CFunction KILL = CFunction.of("kill");

    private static final CFunction RAISE = CFunction.of("raise");

    private Signals() {}

    /// Sends a signal to the thread that calls this, which has taken it when this returns.
    public static void raise(int signal) throws SysException {
        Native.check(RAISE.intOrErrno(signal), "raise", "signal " + signal);
    }

    /// Sends a signal to every process of a group; no error if there is none left.
    ///
    /// @param pgid the group's number, which is its leader's; at least 2, since 0 and 1 would mean others
    public static void killGroup(int pgid, int signal) throws SysException {
        if (pgid < 2) {
            throw new IllegalArgumentException("No process group of ours has the number " + pgid);
        }
        int result = KILL.intOrErrno(-pgid, signal);
        if (result != -Errno.ESRCH) {
            Native.check(result, "kill", "group " + pgid + ", signal " + signal);
        }
    }

    /// Sends a signal to one process.
    ///
    /// @param pid at least 2
    public static void kill(int pid, int signal) throws SysException {
        if (pid < 2) {
            throw new IllegalArgumentException("No process of ours has the number " + pid);
        }
        Native.check(KILL.intOrErrno(pid, signal), "kill", "process " + pid + ", signal " + signal);
    }
}
