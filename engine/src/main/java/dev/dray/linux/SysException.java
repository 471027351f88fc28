package dev.dray.linux;

/// A system call that failed: which, with what error number, on what.
public final class SysException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /// @param args what the call was about, for people: a path, a length
    public SysException(String call, int errno, String args) {
        super(call + "(" + args + "): " + Errno.name(errno));
        this.call = call;
        this.errno = errno;
    }

    public String call() {
        return call;
    }

    /// One of [Errno], or another number of `errno.h`.
    public int errno() {
        return errno;
    }
}
