package dev.dray.cli;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;

/// SIGINT and SIGTERM: the operation is told to stop, and the process lives until it has put the guest back and
/// said how it ended. The JVM then ends with 130 or 143 by itself.
final class StopSignal {
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean requested;

    private StopSignal() {}

    static StopSignal install(Thread worker, PrintStream err) {
        var stop = new StopSignal();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop.await(worker, err), "dray-stop"));
        return stop;
    }

    boolean isRequested() {
        return requested;
    }

    /// The operation is over and its outcome is printed.
    void ended() {
        ended.countDown();
    }

    private void await(Thread worker, PrintStream err) {
        if (ended.getCount() == 0) {
            return; // the JVM ends because we asked it to
        }
        requested = true;
        err.println("dray: stopping");
        worker.interrupt();
        boolean waiting = true;
        while (waiting) {
            try {
                ended.await();
                waiting = false;
            } catch (InterruptedException e) {
                // Nobody interrupts a shutdown hook for a reason: the guest comes first.
            }
        }
    }
}
