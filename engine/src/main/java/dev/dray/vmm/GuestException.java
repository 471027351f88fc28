package dev.dray.vmm;

import dev.dray.error.DrayException;

/// An operation on a virtual machine failed; says why, and where the guest is now.
public final class GuestException extends Exception {
    private static final long serialVersionUID = 1L;

    private final DrayException failure;
    private final Whereabouts guest;

    public GuestException(DrayException failure, Whereabouts guest) {
        super(failure.getMessage(), failure);
        this.failure = failure;
        this.guest = guest;
    }

    public DrayException failure() {
        return failure;
    }

    public Whereabouts guest() {
        return guest;
    }
}
