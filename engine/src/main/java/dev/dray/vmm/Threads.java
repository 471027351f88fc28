package dev.dray.vmm;

import org.jspecify.annotations.Nullable;

/// Waits for the end of threads of our own. An interrupt of the waiting thread is kept for later.
public final class Threads {
    private Threads() {}

    /// @param thread null for one that was never started
    public static void join(@Nullable Thread thread) {
        join(thread, false);
    }

    /// Passes an interrupt on to the thread that is waited for, too.
    public static void joinInterruptibly(@Nullable Thread thread) {
        join(thread, true);
    }

    private static void join(@Nullable Thread thread, boolean passesOn) {
        boolean interrupted = false;
        while (thread != null && thread.isAlive()) {
            try {
                thread.join();
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
    }
}
