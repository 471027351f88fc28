package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.Threads;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Makes a snapshot in a thread of its own, so that the user can end it.
final class Storing {
    private static final int TICK_MS = 20;

    private Storing() {}

    /// @throws DrayException if there is no snapshot; one that was made although the user wanted to stop stays
    static void run(CaptureStore store, CapturedMachine machine, OperationWatch watch) throws DrayException {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().name("store").start(() -> {
            try {
                store.commit(machine);
            } catch (DrayException | RuntimeException | Error e) {
                failure.set(e);
            }
        });
        boolean told = false;
        while (thread.isAlive() && !told) {
            try {
                thread.join(TICK_MS);
                told = watch.cancelled();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                told = true;
            }
        }
        if (told) {
            thread.interrupt();
        }
        Threads.join(thread);
        switch (failure.get()) {
            case null -> {}
            case DrayException expected -> throw expected;
            case Throwable defect -> throw new IllegalStateException("The snapshot could not be made", defect);
        }
    }
}
