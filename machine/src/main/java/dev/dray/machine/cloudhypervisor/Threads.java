package dev.dray.machine.cloudhypervisor;

import java.util.List;

/// What every owner of threads needs.
final class Threads {
    private Threads() {}

    /// Waits until threads have ended; an interruption is kept for later.
    static void join(List<Thread> threads) {
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
