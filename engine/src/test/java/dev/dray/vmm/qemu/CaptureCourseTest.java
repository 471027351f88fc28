package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.testbed.Gen;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.qemu.CaptureCourse.Guest;
import dev.dray.vmm.qemu.CaptureCourse.State;
import dev.dray.vmm.qemu.CaptureCourse.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CaptureCourseTest {
    private static final List<CaptureEvent> EVENTS = List.of(
            new CaptureEvent.MigrationStatus("active"),
            new CaptureEvent.MigrationStatus("completed"),
            new CaptureEvent.MigrationStatus("failed"),
            new CaptureEvent.MigrationStatus("cancelled"),
            new CaptureEvent.MigrationStatus("cancelling"),
            new CaptureEvent.GuestStopped(1_000_000),
            new CaptureEvent.GuestResumed(1_001_500),
            new CaptureEvent.FirstPage(),
            new CaptureEvent.StreamEnded(),
            new CaptureEvent.StreamBroke(new PeerException("broke", "")),
            new CaptureEvent.TimeUp(),
            new CaptureEvent.HookEnded(),
            new CaptureEvent.HookFailed(new MachineException("hook", "")),
            new CaptureEvent.Stored(),
            new CaptureEvent.StoreFailed(new MachineException("full", "")),
            new CaptureEvent.Cancelled(new InterruptedOperation("stop", "")),
            new CaptureEvent.QemuLost(true),
            new CaptureEvent.QemuLost(false),
            new CaptureEvent.PatienceEnded("running"),
            new CaptureEvent.PatienceEnded("paused"),
            new CaptureEvent.PatienceEnded(""));

    /// Every end state and mode that a user can ask for.
    private static List<CapturePlan> plans() {
        var plans = new ArrayList<CapturePlan>();
        for (CaptureMode mode : List.of(CaptureMode.BACKGROUND, CaptureMode.LIVE, CaptureMode.STOP)) {
            for (AfterCapture after : AfterCapture.values()) {
                for (int bits = 0; bits < 8; bits++) {
                    boolean runs = (bits & 1) != 0;
                    boolean allowed = mode == CaptureMode.STOP
                            || (runs && (mode == CaptureMode.LIVE || after == AfterCapture.RESUME));
                    if (allowed) {
                        plans.add(new CapturePlan(mode, after, runs, (bits & 2) != 0, (bits & 4) != 0));
                    }
                }
            }
        }
        return plans;
    }

    private static List<State> states(CapturePlan plan) {
        var runs = new Guest(false, 0, 0, false, false, Optional.empty());
        var stands = new Guest(true, 1_000_000, 0, false, false, Optional.empty());
        var over = new Guest(true, 1_000_000, 0, true, false, Optional.empty());
        var held = new Guest(true, 1_000_000, 0, false, true, Optional.empty());
        var why = new MachineException("why", "");
        var states = new ArrayList<State>();
        for (Guest guest : plan.guestRuns() ? List.of(runs, stands, over) : List.of(stands, over)) {
            states.add(new State.Streaming(guest, false));
            states.add(new State.Streaming(guest, true));
            states.add(new State.Hooking(guest, false));
            states.add(new State.Resuming(guest));
            states.add(new State.Storing(guest));
            states.add(new State.Accepting(guest));
            states.add(new State.Quitting(guest));
            states.add(new State.Recovering(guest, why));
        }
        states.add(new State.Stopping(held));
        states.add(new State.Hooking(held, true));
        states.add(new State.Streaming(held, false));
        states.add(new State.Done(runs, Whereabouts.RUNNING));
        states.add(new State.Failed(runs, why, Whereabouts.RUNNING));
        return states;
    }

    @Test
    void everyKindOfEventAndStateIsInTheTable() {
        assertThat(EVENTS.stream().map(Object::getClass).distinct().count())
                .isEqualTo(CaptureEvent.class.getPermittedSubclasses().length);
        assertThat(states(plans().getFirst()).stream()
                        .map(Object::getClass)
                        .distinct()
                        .count())
                .isEqualTo(State.class.getPermittedSubclasses().length);
    }

    /// The arrows, one line each, as docs/internals has them; those that change nothing are left out.
    @Test
    void theArrowsAreTheDocumentedOnes() {
        Stream<String> arrows = plans().stream()
                .flatMap(plan -> states(plan).stream()
                        .flatMap(state -> EVENTS.stream().map(event -> {
                            Step step = CaptureCourse.next(plan, state, event);
                            boolean changes = step.state().getClass() != state.getClass()
                                    || !step.effects().isEmpty();
                            return changes
                                    ? word(state) + " | " + word(event) + " | " + word(step.state()) + " | "
                                            + (step.effects().isEmpty() ? "-" : step.effects())
                                    : "";
                        })))
                .filter(line -> !line.isEmpty())
                .distinct()
                .sorted();
        Arrows.check("capture-course.txt", arrows);
    }

    /// Nobody can tell apart two phases of one name.
    @Test
    void everyStateThatIsToldHasANameOfItsOwn() {
        assertThat(states(plans().getFirst()).stream()
                        .collect(Collectors.toMap(State::getClass, QemuCapture::phaseName, (a, _) -> a))
                        .values()
                        .stream()
                        .filter(name -> !name.equals("other")))
                .doesNotHaveDuplicates();
    }

    @Test
    void endStatesAreFinal() {
        for (CapturePlan plan : plans()) {
            for (CaptureEvent event : EVENTS) {
                var done = new State.Done(new Guest(false, 0, 0, false, false, Optional.empty()), Whereabouts.RUNNING);
                assertThat(CaptureCourse.next(plan, done, event)).isEqualTo(new Step(done, List.of()));
            }
        }
    }

    @Test
    void nothingIsLetGoBeforeItIsStored() {
        var gen = Gen.create("nothingIsLetGoBeforeItIsStored");
        for (int run = 0; run < 20_000; run++) {
            CapturePlan plan = gen.oneOf(plans());
            State state = CaptureCourse.begin(plan).state();
            var performed = new ArrayList<>(CaptureCourse.begin(plan).effects());
            boolean stored = false;
            for (int i = 0; i < 30; i++) {
                CaptureEvent event = gen.oneOf(EVENTS);
                stored |= event instanceof CaptureEvent.Stored && performed.contains(CaptureEffect.STORE);
                Step step = CaptureCourse.next(plan, state, event);
                for (CaptureEffect effect : step.effects()) {
                    if (effect == CaptureEffect.ACCEPT_STREAM || effect == CaptureEffect.QUIT_QEMU) {
                        assertThat(stored)
                                .as("%s after %s, %s", effect, performed, gen)
                                .isTrue();
                        assertThat(plan.after()).as("%s", gen).isNotEqualTo(AfterCapture.RESUME);
                    }
                    if (effect == CaptureEffect.STOP_GUEST) {
                        assertThat(plan.mode()).isEqualTo(CaptureMode.BACKGROUND);
                    }
                    performed.add(effect);
                }
                state = step.state();
            }
        }
    }

    /// With `--after pause|quit` all of the guest is in Dray's hands when QEMU dies: the snapshot is
    /// the only copy.
    @Test
    void aQemuThatDiesWhileItsGuestIsStoredDoesNotTakeTheSnapshotWithIt() {
        var plan = new CapturePlan(CaptureMode.STOP, AfterCapture.QUIT, true, false, false);
        State state = new State.Storing(new Guest(true, 1, 0, false, false, Optional.empty()));
        Step lost = CaptureCourse.next(plan, state, new CaptureEvent.QemuLost(true));
        assertThat(lost.effects()).isEmpty();
        assertThat(CaptureCourse.next(plan, lost.state(), new CaptureEvent.Stored())
                        .state())
                .isInstanceOfSatisfying(
                        State.Done.class, done -> assertThat(done.whereabouts()).isEqualTo(Whereabouts.GONE));
    }

    /// A QEMU that behaves: whatever fails before the snapshot is stored, the guest ends as it was.
    @Test
    void aGuestThatRanRunsOnAfterEveryFailure() {
        for (CapturePlan plan : plans().stream().filter(CapturePlan::guestRuns).toList()) {
            for (CaptureEvent failure : List.of(
                    new CaptureEvent.StreamBroke(new PeerException("cut", "")),
                    new CaptureEvent.Cancelled(new InterruptedOperation("stop", "")),
                    new CaptureEvent.MigrationStatus("failed"))) {
                State state = new State.Streaming(new Guest(true, 1, 0, false, false, Optional.empty()), false);
                state = CaptureCourse.next(plan, state, failure).state();
                assertThat(state).isInstanceOf(State.Recovering.class);
                state = CaptureCourse.next(plan, state, new CaptureEvent.MigrationStatus("failed"))
                        .state();
                state = CaptureCourse.next(plan, state, new CaptureEvent.GuestResumed(2))
                        .state();
                assertThat(state)
                        .isInstanceOfSatisfying(
                                State.Failed.class,
                                failed -> assertThat(failed.whereabouts()).isEqualTo(Whereabouts.RUNNING));
            }
        }
    }

    /// QEMU may let its guest run before it says that its migration has failed; nothing follows then.
    @Test
    void aFailureAfterTheGuestRanOnIsTheEnd() {
        for (CapturePlan plan : plans().stream().filter(CapturePlan::guestRuns).toList()) {
            State state = new State.Streaming(new Guest(true, 1, 0, false, false, Optional.empty()), false);
            state = CaptureCourse.next(plan, state, new CaptureEvent.GuestResumed(2))
                    .state();
            Step step = CaptureCourse.next(plan, state, new CaptureEvent.MigrationStatus("failed"));
            assertThat(step.effects()).containsExactly(CaptureEffect.REFUSE_STREAM);
            assertThat(step.state())
                    .isInstanceOfSatisfying(
                            State.Failed.class,
                            failed -> assertThat(failed.whereabouts()).isEqualTo(Whereabouts.RUNNING));
        }
    }

    /// A background snapshot that fails while QEMU itself has stopped the guest leaves it stopped.
    @Test
    void aGuestThatRanAndThatQemuLeavesPausedIsContinued() {
        var plan = new CapturePlan(CaptureMode.BACKGROUND, AfterCapture.RESUME, true, false, false);
        State state = new State.Streaming(new Guest(true, 1, 0, false, false, Optional.empty()), false);
        state = CaptureCourse.next(plan, state, new CaptureEvent.MigrationStatus("failed"))
                .state();
        Step step = CaptureCourse.next(plan, state, new CaptureEvent.PatienceEnded("paused"));
        assertThat(step.effects()).containsExactly(CaptureEffect.CONTINUE_GUEST);
        assertThat(CaptureCourse.next(plan, step.state(), new CaptureEvent.GuestResumed(2))
                        .state())
                .isInstanceOfSatisfying(
                        State.Failed.class,
                        failed -> assertThat(failed.whereabouts()).isEqualTo(Whereabouts.RUNNING));
        assertThat(CaptureCourse.next(plan, step.state(), new CaptureEvent.PatienceEnded("paused"))
                        .state())
                .isInstanceOfSatisfying(
                        State.Failed.class,
                        failed -> assertThat(failed.whereabouts()).isEqualTo(Whereabouts.PAUSED));
    }

    /// Who stops Dray does not want the guest to end.
    @Test
    void aGuestIsNotLetGoAfterTheUserHasStoppedTheCapture() {
        var plan = new CapturePlan(CaptureMode.STOP, AfterCapture.QUIT, true, false, false);
        State state = new State.Storing(new Guest(true, 1, 0, false, false, Optional.empty()));
        Step cancelled =
                CaptureCourse.next(plan, state, new CaptureEvent.Cancelled(new InterruptedOperation("stop", "")));
        assertThat(cancelled.effects()).containsExactly(CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE);
        assertThat(CaptureCourse.next(plan, cancelled.state(), new CaptureEvent.Stored())
                        .effects())
                .isEmpty();
    }

    /// Its image is behind it then: ended now, it would lose what it has done since.
    @Test
    void aGuestThatSomebodyContinuesWhileItIsStoredIsNotLetGo() {
        for (AfterCapture after : List.of(AfterCapture.PAUSE, AfterCapture.QUIT)) {
            var plan = new CapturePlan(CaptureMode.STOP, after, true, false, false);
            State state = new State.Storing(new Guest(true, 1, 0, false, false, Optional.empty()));
            Step resumed = CaptureCourse.next(plan, state, new CaptureEvent.GuestResumed(2));
            assertThat(resumed.effects()).containsExactly(CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE);
            assertThat(CaptureCourse.next(plan, resumed.state(), new CaptureEvent.Stored())
                            .effects())
                    .isEmpty();
        }
    }

    /// No resume follows where it stood still before: without this, QEMU would be told over a dead connection that it
    /// may let its guest go, and waited for.
    @Test
    void aMigrationThatSomebodyCancelsWhileAPausedGuestIsStoredEndsTheCapture() {
        for (AfterCapture after : List.of(AfterCapture.PAUSE, AfterCapture.QUIT)) {
            var plan = new CapturePlan(CaptureMode.STOP, after, false, false, false);
            State state = new State.Storing(new Guest(true, 0, 0, false, false, Optional.empty()));
            Step cancelling = CaptureCourse.next(plan, state, new CaptureEvent.MigrationStatus("cancelling"));
            assertThat(cancelling.effects()).containsExactly(CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE);
            assertThat(cancelling.state()).isInstanceOf(State.Recovering.class);
            assertThat(CaptureCourse.next(plan, cancelling.state(), new CaptureEvent.MigrationStatus("cancelled"))
                            .state())
                    .isInstanceOfSatisfying(State.Failed.class, failed -> {
                        assertThat(failed.whereabouts()).isEqualTo(Whereabouts.PAUSED);
                        assertThat(failed.reason()).hasMessageContaining("was cancelled");
                    });
            assertThat(CaptureCourse.next(plan, state, new CaptureEvent.MigrationStatus("failed"))
                            .state())
                    .isInstanceOf(State.Failed.class);
        }
    }

    private static String word(Object value) {
        String name = value.getClass().getSimpleName();
        return switch (value) {
            case CaptureEvent.MigrationStatus(var status) -> name + "(" + status + ")";
            case CaptureEvent.QemuLost(boolean gone) -> name + (gone ? "(gone)" : "");
            case CaptureEvent.PatienceEnded(var status) -> name + (status.isEmpty() ? "" : "(" + status + ")");
            case State.Hooking hooking -> name + (hooking.before() ? "(before)" : "(after)");
            case State.Done done -> name + "(" + done.whereabouts() + ")";
            case State.Failed failed -> name + "(" + failed.whereabouts() + ")";
            default -> name;
        };
    }
}
