package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.InterruptedOperation;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/// Keeps a transfer below a rate, by waiting. For any thread.
final class Pace {
    private static final long WAIT_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(100);

    private final long bytesPerSecond;
    private long next = System.nanoTime();

    /// @param bytesPerSecond empty for no limit
    Pace(OptionalLong bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond.orElse(0);
    }

    /// Waits until so many more bytes may go.
    void spend(long bytes) throws InterruptedOperation {
        if (bytesPerSecond <= 0) {
            return;
        }
        long wait;
        synchronized (this) {
            long now = System.nanoTime();
            next = Math.max(next, now - WAIT_NANOS_MAX) + (long) (bytes * 1e9 / bytesPerSecond);
            wait = next - now;
        }
        try {
            if (wait > 0) {
                TimeUnit.NANOSECONDS.sleep(wait);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation("Interrupted", "", e);
        }
    }
}
