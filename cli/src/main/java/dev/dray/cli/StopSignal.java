package dev.dray.cli;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/// SIGINT and SIGTERM: the operation is told to stop, and the process lives until it has put the guest back and
/// said how it ended. The JVM then ends with 130 or 143 by itself. Once a guest runs that needs this process, it is not
/// told: the process goes on until the guest has all its memory, and says so.
final class StopSignal implements Surroundings.Stop {
    private final CountDownLatch ended = new CountDownLatch(1);
    private boolean requested;
    private @Nullable Runnable farewell;

    static StopSignal install(Thread worker, PrintStream err) {
        var stop = new StopSignal();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop.await(worker, err), "dray-stop"));
        return stop;
    }

    @Override
    public synchronized boolean isRequested() {
        return requested && farewell == null;
    }

    /// Whether a signal came at all.
    synchronized boolean came() {
        return requested;
    }

    @Override
    public void serveOn(Runnable bidsFarewell) {
        boolean late;
        synchronized (this) {
            farewell = bidsFarewell;
            late = requested;
        }
        if (late) {
            bidsFarewell.run();
        }
    }

    /// The operation is over and its outcome is printed.
    void ended() {
        ended.countDown();
    }

    private void await(Thread worker, PrintStream err) {
        if (ended.getCount() == 0) {
            return; // the JVM ends because we asked it to
        }
        Runnable instead;
        synchronized (this) {
            requested = true;
            instead = farewell;
        }
        if (instead == null) {
            err.println("dray: stopping");
            worker.interrupt();
        } else {
            instead.run();
        }
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
