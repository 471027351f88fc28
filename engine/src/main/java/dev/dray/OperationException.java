package dev.dray;

import dev.dray.error.DrayException;

/// An operation failed: why, and where its guest is now.
public final class OperationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final DrayException failure;
    private final GuestFate guest;

    public OperationException(DrayException failure, GuestFate guest) {
        super(failure.getMessage(), failure);
        this.failure = failure;
        this.guest = guest;
    }

    /// Whose fault it is, what happened, and what can be done.
    public DrayException failure() {
        return failure;
    }

    public GuestFate guest() {
        return guest;
    }

    /// The same as an outcome.
    public Failed outcome() {
        return new Failed(FailureKind.of(failure), guest, String.valueOf(failure.getMessage()), failure.whatToDo());
    }

    /// Runs an operation that has no guest.
    static <R> R withoutGuest(Work<R> work) throws OperationException {
        try {
            return work.run();
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }

    /// What an operation does.
    @FunctionalInterface
    interface Work<R> {
        R run() throws DrayException;
    }
}
