package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.linux.SysException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.node.ObjectNode;

/// A capture over the API: what is asked of the VMM when, and where the guest is in the end.
@Timeout(120)
class CloudHypervisorCaptureTest {
    private static final byte[] NOTHING = new byte[0];
    private static final String PRIVATE =
            "{\"memory\":{\"size\":8388608},\"disks\":[{\"id\":\"_disk0\",\"path\":\"/d.raw\"}]}";

    @TempDir
    Path directory = Path.of("/unset");

    /// What happened, in order.
    private final List<String> log = Collections.synchronizedList(new ArrayList<>());

    private final HeldGuest held = new HeldGuest(log);
    private final Watched watched = new Watched();
    private @Nullable ScriptedApi served;
    private boolean journalFails;

    @BeforeEach
    void serve() throws SysException {
        served = new ScriptedApi(directory.resolve("api"), "Running", log);
    }

    private ScriptedApi api() {
        return Objects.requireNonNull(served);
    }

    @AfterEach
    void end() {
        api().close();
        held.close();
    }

    /// Something that a source does.
    private interface Script {
        void run(ScriptedSource source) throws DrayException, SysException;
    }

    private Consumer<Endpoint> source(Script script) {
        return endpoint -> {
            try (ScriptedSource source = new ScriptedSource(endpoint)) {
                source.set(1, 42);
                script.run(source);
            } catch (DrayException | SysException e) {
                log.add("the source failed: " + e.getMessage());
            }
        };
    }

    /// A source that keeps its guest, standing still.
    private void local(ScriptedSource source) throws DrayException {
        source.start();
        source.handOver();
        source.ok(Command.CONFIG, ScriptedSource.config());
        source.ok(Command.STATE, ScriptedSource.state());
        source.ask(Command.COMPLETE, NOTHING);
        int answer = source.answer(source.main);
        log.add("complete answered " + answer);
        api().state = answer == ResponseHeader.OK ? "Paused" : "Running";
    }

    private CaptureReport capture(CaptureMode mode, AfterCapture after, Optional<String> onPause)
            throws GuestException, RefusedException {
        var order = new CaptureOrder(
                mode, after, onPause, Duration.ofMillis(300), Duration.ofMinutes(5), false, OptionalLong.empty());
        try (var machine = CloudHypervisorMachine.at(api().path())) {
            return machine.capture(order, held, new Logged(), watched);
        } finally {
            api().awaitEndOfMigration(); // the source may note its answer a moment later
        }
    }

    private CaptureReport capture(AfterCapture after) throws GuestException, RefusedException {
        return capture(CaptureMode.AUTO, after, Optional.empty());
    }

    private GuestException failure(AfterCapture after) {
        try {
            throw new AssertionError("it was captured: " + capture(after));
        } catch (GuestException e) {
            return e;
        } catch (RefusedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aGuestThatIsToGoOnDoesSoBeforeItsSnapshotIsStored() throws Exception {
        api().sender = source(this::local);
        CaptureReport report = capture(AfterCapture.RESUME);
        assertThat(log)
                .containsExactly(
                        "vm.send-migration",
                        "journal written",
                        "complete answered 1",
                        "vm.resume",
                        "journal cleared",
                        "commit");
        assertThat(report.guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(report.mode()).isEqualTo(CaptureMode.LIVE);
        assertThat(report.pauseMs()).isPositive();
        assertThat(held.page(0, 1)).isNotNull().containsOnly((byte) 42);
    }

    @Test
    void aGuestThatStoodStillStaysSo() throws Exception {
        api().state = "Paused";
        api().sender = source(source -> {
            source.start();
            source.handOver();
            source.ok(Command.CONFIG, ScriptedSource.config());
            source.ok(Command.STATE, ScriptedSource.state());
            source.ok(Command.COMPLETE_PAUSED, NOTHING);
        });
        assertThat(capture(AfterCapture.RESUME).guest()).isEqualTo(Whereabouts.PAUSED);
        assertThat(log).containsExactly("vm.send-migration", "commit");
        assertThat(held.committed().facts().path("was_running").asBoolean(true)).isFalse();
    }

    @Test
    void aGuestThatIsToPauseIsStoredFirst() throws Exception {
        api().sender = source(this::local);
        assertThat(capture(AfterCapture.PAUSE).guest()).isEqualTo(Whereabouts.PAUSED);
        assertThat(log).containsExactly("vm.send-migration", "commit", "complete answered 1");
    }

    /// The migration of a VM whose memory is private ends it: without that being asked, nothing is touched.
    @ParameterizedTest
    @EnumSource(
            value = AfterCapture.class,
            names = {"RESUME", "PAUSE"})
    void aVmThatWouldEndIsNotTouchedUnlessThatIsAsked(AfterCapture after) {
        api().config = PRIVATE;
        GuestException failure = failure(after);
        assertThat(failure.failure()).isInstanceOf(RefusedException.class);
        assertThat(failure.guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(log).isEmpty();
    }

    @Test
    void theOnPauseCommandRunsWhileTheGuestStandsStill() throws Exception {
        api().sender = source(this::local);
        capture(CaptureMode.AUTO, AfterCapture.PAUSE, Optional.of("echo disk-1"));
        assertThat(log).endsWith("commit", "complete answered 1");
        assertThat(onPauseId()).isEqualTo("disk-1");
    }

    private String onPauseId() {
        return held.committed().facts().path("disks").path(0).path("id").asString("");
    }

    @Test
    void aFailingOnPauseCommandLeavesTheGuestRunning() throws Exception {
        api().sender = source(this::local);
        assertThatThrownBy(() -> capture(CaptureMode.AUTO, AfterCapture.RESUME, Optional.of("exit 7")))
                .isInstanceOfSatisfying(GuestException.class, e -> {
                    assertThat(e.failure()).isInstanceOf(MachineException.class).hasMessageContaining("7");
                    assertThat(e.guest()).isEqualTo(Whereabouts.RUNNING);
                });
        assertThat(log).contains("complete answered 2").doesNotContain("commit");
        // Whoever pauses it from now on wants it paused.
        assertThat(log).doesNotContain("journal written");
    }

    @Test
    void aStoreThatFailsAfterTheGuestWentOnSaysThatItRuns() throws Exception {
        held.uncommittable = true;
        api().sender = source(this::local);
        GuestException failure = failure(AfterCapture.RESUME);
        assertThat(failure.guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(log).endsWith("vm.resume", "journal cleared");
    }

    /// All of it is here already, and the VMM keeps the only other copy.
    @Test
    void aGuestThatCannotBeLetGoIsStoredNevertheless() throws Exception {
        journalFails = true;
        api().sender = source(this::local);
        assertThat(failure(AfterCapture.RESUME).failure()).hasMessageContaining("the journal");
        assertThat(log).contains("commit");
    }

    @Test
    void aStoreThatFailsBeforeTheGuestIsLetGoLeavesItRunning() throws Exception {
        held.uncommittable = true;
        api().sender = source(this::local);
        assertThat(failure(AfterCapture.PAUSE).guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(log).contains("complete answered 2");
    }

    /// `vm.info` shows what was before the migration for as long as that lasts: a guest that stands still as
    /// running.
    @Test
    void aVmmThatIsSlowToEndItsMigrationIsAskedAgainUntilTheGuestRuns() throws Exception {
        api().sender = source(source -> {
            local(source);
            LockSupport.parkNanos(300_000_000);
        });
        assertThat(capture(AfterCapture.RESUME).guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(api().state).isEqualTo("Running");
        assertThat(log).containsSubsequence("complete answered 1", "vm.resume");
    }

    /// An upstream to-do: the VM goes on without its locks, and only Dray can say so.
    @Test
    void locksThatAFailedCaptureLosesAreTold() {
        api().config = PRIVATE;
        held.uncommittable = true;
        api().sender = source(source -> {
            source.start();
            source.ok(Command.CONFIG, ScriptedSource.config());
            source.push(source.main, List.of(new MemoryRange(0, 8192)));
            source.answer(source.main);
            source.ok(Command.STATE, ScriptedSource.state());
            source.ask(Command.COMPLETE, NOTHING);
            source.answer(source.main);
        });
        assertThat(failure(AfterCapture.QUIT).guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(watched.warnings).anyMatch(text -> text.contains("locks") && text.contains("_disk0"));
    }

    /// Asked for its memory, it offers it in another way: what comes then may not be all.
    @Test
    void memoryThatComesOnAnotherRouteThanTheOneAskedForIsRefused() {
        api().sender = source(source -> {
            source.start();
            source.ok(Command.CONFIG, ScriptedSource.config());
            source.push(source.main, List.of(new MemoryRange(0, 8192)));
            source.answer(source.main);
            source.ok(Command.STATE, ScriptedSource.state());
            source.ask(Command.COMPLETE, NOTHING);
            log.add("answered " + source.answer(source.main));
        });
        assertThat(failure(AfterCapture.RESUME).failure()).isInstanceOf(PeerException.class);
        assertThat(log).contains("answered 2").doesNotContain("commit");
    }

    @Test
    void anInterruptWhileMemoryIsReadLeavesTheGuestRunning() {
        api().sender = source(source -> {
            source.start();
            source.handOver();
            watched.cancelled = true;
            source.ask(Command.CONFIG, ScriptedSource.config());
            log.add("answered " + source.answer(source.main));
        });
        GuestException failure = failure(AfterCapture.RESUME);
        assertThat(failure.failure()).isInstanceOf(InterruptedOperation.class);
        assertThat(failure.guest()).isEqualTo(Whereabouts.RUNNING);
    }

    private final class Logged implements Journal {
        private Optional<ObjectNode> entry = Optional.empty();

        @Override
        public void write(ObjectNode written) {
            log.add("journal written");
            entry = Optional.of(written);
        }

        @Override
        public Optional<ObjectNode> pending() {
            return entry;
        }

        @Override
        public void clear() throws MachineException {
            if (journalFails) {
                throw new MachineException("the journal went away", "");
            }
            log.add("journal cleared");
            entry = Optional.empty();
        }
    }

    private static final class Watched implements OperationWatch {
        private final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
        private volatile boolean cancelled;

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
