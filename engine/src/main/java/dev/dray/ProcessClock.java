package dev.dray;

import java.time.Duration;
import java.time.Instant;

/// When this process began.
final class ProcessClock {
    private ProcessClock() {}

    /// Milliseconds since the process began, to 10 ms (the kernel's tick); 0 if that is not known.
    static double sinceStartMs() {
        return ProcessHandle.current()
                .info()
                .startInstant()
                .map(start -> Duration.between(start, Instant.now()).toNanos() / 1e6)
                .orElse(0.0);
    }
}
