package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.DrayException;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/// Dray listens, a source is connected, and a test plays it.
abstract class ReceptionScene {
    static final byte[] NOTHING = new byte[0];

    @TempDir
    Path directory = Path.of("/unset");

    final List<String> log = new ArrayList<>();
    final HeldGuest held = new HeldGuest(log);
    final Told told = new Told();
    private @Nullable CompletableFuture<CaptureReport> report;
    private @Nullable ScriptedSource source;
    private @Nullable Endpoint listening;
    private @Nullable Listener listener;
    private final List<ScriptedSource> others = new ArrayList<>();

    @BeforeEach
    void listen() throws Exception {
        start(new Endpoint.Unix(directory.resolve("s")));
    }

    void start(Endpoint endpoint) throws Exception {
        start(endpoint, Duration.ofMinutes(2)); // holds for the test too, which may be slow
    }

    void start(Endpoint endpoint, Duration silenceMax) throws Exception {
        Listener listener = Listener.listen(endpoint, silenceMax, told::cancelled);
        var running = new CompletableFuture<CaptureReport>();
        report = running;
        Thread.ofPlatform().start(() -> {
            try (listener) {
                running.complete(CloudHypervisorReceiver.receive(listener, held, told));
            } catch (GuestException e) {
                running.completeExceptionally(e.failure());
            } catch (RuntimeException | Error e) {
                running.completeExceptionally(e);
            }
        });
        listening = listener.endpoint();
        this.listener = listener;
        source = new ScriptedSource(listener.endpoint());
    }

    Listener listener() {
        return Objects.requireNonNull(listener);
    }

    /// Another source, at the same place, while the one before stays.
    ScriptedSource beside() throws Exception {
        others.add(source());
        ScriptedSource next = new ScriptedSource(Objects.requireNonNull(listening));
        source = next;
        return next;
    }

    /// Another source, at the same place.
    ScriptedSource again() throws Exception {
        source().close();
        ScriptedSource next = new ScriptedSource(Objects.requireNonNull(listening));
        source = next;
        return next;
    }

    @AfterEach
    void end() {
        told.cancelled = true;
        source().close();
        others.forEach(ScriptedSource::close);
        awaitEnd(); // whoever receives uses what is held
        held.close();
    }

    private void awaitEnd() {
        CompletableFuture<CaptureReport> running = report;
        if (running != null) {
            running.handle((_, _) -> true).orTimeout(60, TimeUnit.SECONDS).join();
        }
    }

    ScriptedSource source() {
        ScriptedSource open = source;
        if (open == null) {
            throw new AssertionError("no source");
        }
        return open;
    }

    /// Waits for the end of the reception.
    CaptureReport received() throws Exception {
        CompletableFuture<CaptureReport> running = report;
        if (running == null) {
            throw new AssertionError("nothing runs");
        }
        return running.get(60, TimeUnit.SECONDS);
    }

    DrayException failure() {
        try {
            throw new AssertionError("it was received: " + received());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DrayException expected) {
                return expected;
            }
            throw new AssertionError(e);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    void assertPage(long page, int value) {
        byte[] content = held.page(0, page);
        assertThat(content).as("page " + page).isNotNull().containsOnly((byte) value);
    }

    void localUntilComplete() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
    }

    /// What the operation was told, and tells.
    static final class Told implements OperationWatch {
        volatile boolean cancelled;
        final List<String> warnings = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void phase(String name) {}

        @Override
        public void bytes(long done, long total) {}

        @Override
        public void warning(String text) {
            warnings.add(text);
        }

        @Override
        public void guestRuns() {}

        @Override
        public boolean cancelled() {
            return cancelled;
        }
    }
}
