package dev.dray;

/// How the command `dray` ends. The numbers are a promise and never change.
public enum ExitCode {
    /// Done.
    DONE(0),
    /// The host or the peer failed; the outcome says where the guest is.
    FAILED(1),
    /// What was asked makes no sense as asked.
    USAGE(2),
    /// Refused before anything was touched.
    REFUSED(3),
    /// Damage was found, or the key is wrong.
    CORRUPT(4),
    /// A defect of Dray's own.
    BUG(5),
    /// SIGINT; the guest is back as it was.
    INTERRUPTED(130),
    /// SIGTERM; the guest is back as it was.
    TERMINATED(143);

    private final int number;

    ExitCode(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }
}
