package dev.dray.machine.qemu;

/// What every owner of threads needs.
final class Threads {
    private Threads() {}

    /// Waits until a thread has ended; an interruption is kept for later.
    static void join(Thread thread) {
        if (thread.equals(Thread.currentThread())) {
            return;
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
