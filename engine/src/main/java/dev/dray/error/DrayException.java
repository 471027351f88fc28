package dev.dray.error;

/// A failure that Dray can explain: whose fault it is, what happened in one sentence, and what can be done
/// about it. The subtypes are the parties at fault. A defect of Dray's own is never one of these: it is an
/// unchecked exception.
public abstract sealed class DrayException extends Exception
        permits CorruptException,
                InterruptedOperation,
                KeyException,
                MachineException,
                PeerException,
                RefusedException,
                UsageException {
    private static final long serialVersionUID = 1L;

    private final String whatToDo;

    DrayException(String message, String whatToDo) {
        super(message);
        this.whatToDo = whatToDo;
    }

    DrayException(String message, String whatToDo, Throwable cause) {
        super(message, cause);
        this.whatToDo = whatToDo;
    }

    /// One sentence, without a full stop, that tells the user the way out; empty if there is none.
    public final String whatToDo() {
        return whatToDo;
    }

    /// The word for this kind of failure in JSON outcomes: `usage`, `refused`, `peer`, `corrupt`, `key`,
    /// `machine` or `interrupted`.
    public abstract String kind();
}
