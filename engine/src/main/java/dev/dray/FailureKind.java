package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import java.util.Locale;

/// Whose fault a failure is, and with which exit code it ends.
public enum FailureKind {
    USAGE(ExitCode.USAGE),
    REFUSED(ExitCode.REFUSED),
    PEER(ExitCode.FAILED),
    CORRUPT(ExitCode.CORRUPT),
    KEY(ExitCode.CORRUPT),
    MACHINE(ExitCode.FAILED),
    INTERRUPTED(ExitCode.INTERRUPTED),
    BUG(ExitCode.BUG);

    private final ExitCode exitCode;

    FailureKind(ExitCode exitCode) {
        this.exitCode = exitCode;
    }

    public ExitCode exitCode() {
        return exitCode;
    }

    /// The word in JSON.
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static FailureKind of(DrayException failure) {
        return switch (failure) {
            case UsageException _ -> USAGE;
            case RefusedException _ -> REFUSED;
            case PeerException _ -> PEER;
            case CorruptException _ -> CORRUPT;
            case KeyException _ -> KEY;
            case MachineException _ -> MACHINE;
            case InterruptedOperation _ -> INTERRUPTED;
        };
    }
}
