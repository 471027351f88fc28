package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.vmm.OperationWatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/// Notes what an operation tells.
final class NotingWatch implements OperationWatch {
    final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
    final CompletableFuture<Void> guestRuns = new CompletableFuture<>();
    volatile boolean cancelled;

    @Override
    public void phase(String name) {}

    @Override
    public void bytes(long done, long total) {}

    @Override
    public void warning(String text) {
        synchronized (warnings) {
            warnings.add(text);
            warnings.notifyAll();
        }
    }

    @Override
    public void guestRuns() {
        guestRuns.complete(null);
    }

    @Override
    public boolean cancelled() {
        return cancelled;
    }

    void await(Predicate<String> which) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        synchronized (warnings) {
            while (warnings.stream().noneMatch(which)) {
                assertThat(System.nanoTime()).as("told so far: %s", warnings).isLessThan(end);
                warnings.wait(1000);
            }
        }
    }
}
