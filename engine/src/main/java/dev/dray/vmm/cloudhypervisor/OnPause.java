package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.vmm.Hook;
import dev.dray.vmm.Threads;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What is to be done while the guest stands still, beside the reading of its memory: a thread of its own.
final class OnPause implements AutoCloseable {
    /// Something that may fail.
    interface Task {
        void run() throws DrayException;
    }

    private final Task last;
    private final Optional<String> command;
    private final String vm;
    private @Nullable Thread thread;
    private volatile @Nullable Throwable failure;
    private volatile Optional<String> id = Optional.empty();

    /// @param last done after the command
    /// @param vm what the command is told of which VM it is
    OnPause(Task last, Optional<String> command, String vm) {
        this.last = last;
        this.command = command;
        this.vm = vm;
    }

    void start() {
        thread = Thread.ofPlatform().name("on-pause").start(() -> {
            try {
                if (command.isPresent()) {
                    id = Optional.of(Hook.run(command.get(), vm, Hook.TIME_LIMIT));
                }
                last.run();
            } catch (DrayException | RuntimeException | Error e) {
                failure = e;
            }
        });
    }

    /// Waits until all of it is done.
    void await(Sweep.Tick tick) throws DrayException {
        Thread running = thread;
        while (running != null && running.isAlive()) {
            tick.check();
            try {
                running.join(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedOperation("Interrupted", "", e);
            }
        }
        switch (failure) {
            case null -> {}
            case DrayException expected -> throw expected;
            case Throwable defect -> throw new IllegalStateException("The pause could not be used", defect);
        }
    }

    /// What the command printed: the id of the disks' state.
    Optional<String> id() {
        return id;
    }

    /// Whatever the command does when the capture is over, it does on a guest that runs.
    @Override
    public void close() {
        Thread running = thread;
        if (running != null) {
            running.interrupt();
            Threads.joinInterruptibly(running);
        }
    }
}
