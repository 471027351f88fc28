package dev.dray;

import dev.dray.vmm.OperationWatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/// What a dialect tells, passed on to the user's [Progress]; keeps the warnings for the outcome.
final class ProgressWatch implements OperationWatch {
    private static final long TICK_MS = 200;

    private final Progress progress;
    private final List<String> warnings = new ArrayList<>();

    ProgressWatch(Progress progress) {
        this.progress = progress;
    }

    /// How many bytes there will be, once that is known.
    interface Total {
        /// -1 if it is not known yet.
        long totalBytes();
    }

    /// Reports `done` a few times a second, from a thread that ends when it is interrupted.
    Thread follow(LongSupplier done, Total total) {
        return Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    Thread.sleep(TICK_MS);
                    if (total.totalBytes() >= 0) {
                        bytes(done.getAsLong(), total.totalBytes());
                    }
                }
            } catch (InterruptedException e) {
                // The operation has ended.
            }
        });
    }

    @Override
    public void phase(String name) {
        progress.phase(name);
    }

    @Override
    public void bytes(long done, long total) {
        progress.bytes(done, total);
    }

    @Override
    public void warning(String text) {
        synchronized (warnings) {
            warnings.add(text);
        }
        progress.warning(text);
    }

    @Override
    public void guestRuns() {
        progress.guestRuns();
    }

    @Override
    public boolean cancelled() {
        return progress.cancelled();
    }

    List<String> warnings() {
        synchronized (warnings) {
            return List.copyOf(warnings);
        }
    }
}
