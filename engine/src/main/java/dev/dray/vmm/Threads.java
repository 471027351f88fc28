package dev.dray.vmm;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Waits for the end of threads of our own. An interrupt of the waiting thread is kept for later.
public final class Threads {
    private static final Duration FOREVER = Duration.ofDays(36500);

    private Threads() {}

    /// @param thread null for one that was never started
    public static void join(@Nullable Thread thread) {
        boolean _ = join(thread, FOREVER, false);
    }

    /// Waits up to this time, which an interrupt does not cut short.
    ///
    /// @param thread null for one that was never started
    /// @return whether it has ended
    public static boolean join(@Nullable Thread thread, Duration patience) {
        return join(thread, patience, false);
    }

    /// Passes an interrupt on to the thread that is waited for, too.
    public static void joinInterruptibly(@Nullable Thread thread) {
        boolean _ = join(thread, FOREVER, true);
    }

    private static boolean join(@Nullable Thread thread, Duration patience, boolean passesOn) {
        long end = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        boolean ended = thread == null || !thread.isAlive();
        for (long left = patience.toNanos(); thread != null && !ended && left > 0; left = end - System.nanoTime()) {
            try {
                ended = thread.join(Duration.ofNanos(left));
            } catch (InterruptedException e) {
                interrupted = true;
                if (passesOn) {
                    thread.interrupt();
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return ended;
    }
}
