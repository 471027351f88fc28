package dev.dray.cli;

import dev.dray.Background;
import dev.dray.Failed;
import dev.dray.FailureKind;
import dev.dray.GuestFate;
import dev.dray.Progress;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// Progress on stderr: with a terminal one line that is redrawn, without one a line per phase. Reporting bytes
/// takes no lock: a terminal that was stopped with Ctrl-S must not hold up a guest.
final class ProgressPrinter implements Progress, AutoCloseable {
    private static final long REDRAW_MS = 200;

    /// Longer lines would wrap and could not be redrawn.
    private static final int COLUMNS_MAX = 79;

    private static final String CLEAR = "\r\033[K";

    private final String command;
    private final Surroundings around;
    private final Output output;
    private final boolean quiet;
    private final boolean verbose;
    private final boolean redraws;

    private volatile State state = new State("", 0, 0, -1);
    private boolean drawn;
    private boolean drawing;
    private boolean closed;

    ProgressPrinter(String command, Surroundings around, Output output) {
        this.command = command;
        this.around = around;
        this.output = output;
        this.quiet = output.quiet();
        this.verbose = output.verbose();
        this.redraws = around.terminal() && !quiet;
    }

    @Override
    public synchronized void phase(String name) {
        state = new State(name, System.nanoTime(), 0, -1);
        if (closed || quiet) {
            return;
        }
        if (!redraws) {
            around.err().println("dray " + command + ": " + name);
        } else if (!drawing) {
            drawing = true;
            Thread.ofPlatform().daemon().name("progress").start(this::redraw);
        }
    }

    @Override
    public void bytes(long done, long total) {
        State now = state;
        state = new State(now.phase, now.sinceNanos, done, total);
    }

    @Override
    public synchronized void warning(String text) {
        if (!quiet) {
            say("warning: " + text);
        }
    }

    @Override
    public synchronized void detail(String text) {
        if (verbose && !quiet) {
            say(text);
        }
    }

    @Override
    public void guestRuns() {
        around.stop().serveOn(this::leave);
    }

    /// The user does not want to wait for the rest; the guest needs it all the same.
    private void leave() {
        redrawNoMore();
        Optional<Path> log = log();
        var farewell = new Failed(
                FailureKind.INTERRUPTED,
                GuestFate.NEEDS_DRAY,
                "The guest runs, and process " + ProcessHandle.current().pid() + " goes on giving it its memory",
                "that ends by itself, and killing it before kills the guest"
                        + log.map(file -> "; what it has to say goes to " + file)
                                .orElse(""));
        var _ = output.fail(farewell, new InterruptedOperation(farewell.message(), ""));
        log.ifPresent(around.leave());
        Background.leave();
    }

    private static Optional<Path> log() {
        try {
            return Optional.of(Background.log());
        } catch (MachineException e) {
            return Optional.empty();
        }
    }

    private synchronized void redrawNoMore() {
        clear();
        drawing = true; // no later phase begins again
        closed = true;
        notifyAll();
    }

    @Override
    public boolean cancelled() {
        return around.stop().isRequested();
    }

    @Override
    public long startNanos() {
        return around.startNanos();
    }

    /// Ends the drawing; what is reported later is not shown.
    @Override
    public synchronized void close() {
        clear();
        closed = true;
        notifyAll();
    }

    private void say(String text) {
        clear();
        around.err().println("dray " + command + ": " + text);
    }

    private void clear() {
        if (drawn) {
            around.err().print(CLEAR);
            drawn = false;
        }
    }

    private synchronized void redraw() {
        try {
            while (!closed) {
                wait(REDRAW_MS);
                if (!closed) {
                    State now = state;
                    long nanos = System.nanoTime() - now.sinceNanos;
                    around.err().print(CLEAR + line(command, now.phase, now.done, now.total, nanos));
                    around.err().flush();
                    drawn = true;
                }
            }
        } catch (InterruptedException e) {
            // A daemon thread without a line to draw is of no use.
        }
    }

    private record State(String phase, long sinceNanos, long done, long total) {}

    /// `capture: copying memory  1.2 GiB of 4.0 GiB  812.0 MiB/s  3 s left`.
    static String line(String command, String phase, long done, long total, long nanos) {
        var line = new StringBuilder(command).append(": ").append(phase);
        if (done > 0) {
            line.append("  ").append(Words.bytes(done));
            if (total > 0) {
                line.append(" of ").append(Words.bytes(total));
            }
            double perSecond = done * 1e9 / Math.max(1, nanos);
            line.append("  ").append(Words.bytes((long) perSecond)).append("/s");
            if (total > done) {
                line.append(String.format(Locale.ROOT, "  %d s left", (long) Math.ceil((total - done) / perSecond)));
            }
        }
        return line.length() > COLUMNS_MAX ? line.substring(0, COLUMNS_MAX) : line.toString();
    }
}
