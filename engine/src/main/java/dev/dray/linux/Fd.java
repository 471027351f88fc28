package dev.dray.linux;

import java.util.concurrent.atomic.AtomicInteger;

/// A file descriptor with an owner, who closes it once. Closing while another thread uses the number is the
/// owner's mistake: the kernel may hand the number out again at once.
public final class Fd implements AutoCloseable {
    private static final int CLOSED = -1;
    private static final CFunction CLOSE = CFunction.of("close");

    private final AtomicInteger number;

    private Fd(int number) {
        this.number = new AtomicInteger(number);
    }

    /// Takes ownership of an open descriptor.
    public static Fd of(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("No file descriptor has the number " + number);
        }
        return new Fd(number);
    }

    /// The number, for system calls.
    public int number() {
        int open = number.getPlain();
        if (open == CLOSED) {
            throw new IllegalStateException("The file descriptor is closed");
        }
        return open;
    }

    /// Closes it; a second time does nothing. An error is not reported: Linux frees the number in any case, and
    /// what must be durable was synced before.
    @Override
    public void close() {
        int open = number.getAndSet(CLOSED);
        if (open == CLOSED) {
            return;
        }
        CLOSE.call(open); // not repeated at EINTR: the number is free already, and may be someone else's by now
    }

    @Override
    public String toString() {
        int open = number.getPlain();
        return open == CLOSED ? "fd closed" : "fd " + open;
    }
}
