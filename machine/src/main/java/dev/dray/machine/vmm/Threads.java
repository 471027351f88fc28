package dev.dray.machine.vmm;

import java.util.List;

/// Waits for threads that end by themselves, once their connections are closed.
public final class Threads {
    private Threads() {}

    /// Waits until a thread has ended; an interruption is kept for later. The caller's own is not waited for.
    public static void join(Thread thread) {
        join(List.of(thread));
    }

    /// Waits until threads have ended; an interruption is kept for later. The caller's own is not waited for.
    public static void join(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive() && !thread.equals(Thread.currentThread())) {
                try {
                    thread.join();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
