package dev.dray.machine.guest;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The one processor of the built-in machine: a thread that runs a [GuestProgram] at the speed it is told, and stops
/// between two of its steps.
public final class Processor implements AutoCloseable {
    /// Time that was lost (the machine stood still, the host was busy) is not caught up beyond this.
    private static final long CATCH_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /// Shorter waits are not worth a system call.
    private static final long WAIT_NANOS_MIN = TimeUnit.MICROSECONDS.toNanos(500);

    private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final GuestProgram program;
    private final Thread thread;
    private volatile boolean stopAsked = true;
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;
    private boolean standing;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /// It stands still at first.
    ///
    /// @param name the thread's, which the kernel shows
    public Processor(GuestProgram program, String name) {
        this.program = program;
        this.thread = Thread.ofPlatform().name(name).daemon().start(this::loop);
    }

    /// Stops it and returns when it stands still.
    public void stop() {
        lock.lock();
        try {
            stopAsked = true;
            LockSupport.unpark(thread);
            while (!standing) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
        checkSound();
    }

    /// Lets it run.
    public void run() {
        lock.lock();
        try {
            stopAsked = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void loop() {
        try {
            while (!closed) {
                standStill();
                runUntilStopped();
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            stand();
        }
    }

    private void stand() {
        lock.lock();
        try {
            standing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void standStill() {
        lock.lock();
        try {
            while (stopAsked && !closed) {
                standing = true;
                changed.signalAll();
                changed.awaitUninterruptibly();
            }
            standing = false;
        } finally {
            lock.unlock();
        }
    }

    private void runUntilStopped() {
        long nanosAPage = program.rate() == 0 ? 0 : TimeUnit.SECONDS.toNanos(1) / program.rate();
        long next = System.nanoTime();
        while (!stopAsked && !closed) {
            boolean hasChanged = program.step(() -> stopAsked || closed);
            if (program.isHalted()) {
                LockSupport.parkNanos(IDLE_NANOS);
            } else if (hasChanged && nanosAPage != 0) {
                next = Math.max(next + nanosAPage, System.nanoTime() - CATCH_UP_NANOS);
                sleepUntil(next);
            }
        }
    }

    private void sleepUntil(long nanos) {
        long left = nanos - System.nanoTime();
        while (left > WAIT_NANOS_MIN && !stopAsked && !closed) {
            LockSupport.parkNanos(left);
            left = nanos - System.nanoTime();
        }
    }

    private void checkSound() {
        Throwable cause = failure;
        if (cause != null && !closed) {
            throw new IllegalStateException("the guest program ended", cause);
        }
    }

    /// Ends it soon, as when the process dies; nothing runs it again.
    public void halt() {
        closed = true;
        run(); // so that it sees that
    }

    /// Ends the thread. The program stands still when this returns.
    @Override
    public void close() {
        halt();
        boolean interrupted = false;
        while (thread.isAlive()) {
            LockSupport.unpark(thread);
            try {
                thread.join(10);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
