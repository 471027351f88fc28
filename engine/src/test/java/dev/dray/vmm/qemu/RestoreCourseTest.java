package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.CorruptException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.qemu.RestoreCourse.Event;
import dev.dray.vmm.qemu.RestoreCourse.State;
import dev.dray.vmm.qemu.RestoreCourse.Step;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RestoreCourseTest {
    private static final List<Event> EVENTS = List.of(
            new Event.MigrationStatus("active"),
            new Event.MigrationStatus("completed"),
            new Event.MigrationStatus("failed"),
            new Event.StreamSent(),
            new Event.StreamBroke(new PeerException("broke", "")),
            new Event.StreamBroke(new CorruptException("damaged", "")),
            new Event.StatusSeen("inmigrate"),
            new Event.StatusSeen("running"),
            new Event.StatusSeen("paused"),
            new Event.ContinueRefused("no lock"),
            new Event.ReasonSeen(""),
            new Event.ReasonSeen("no such device"),
            new Event.Cancelled(new InterruptedOperation("stop", "")),
            new Event.QemuLost(true),
            new Event.QemuLost(false),
            new Event.PatienceEnded());

    private static final List<State> STATES = List.of(
            new State.Sending(false),
            new State.Sending(true),
            new State.Loading(),
            new State.Settling(false),
            new State.Settling(true),
            new State.Failing(new PeerException("broke", "")),
            new State.Failing(new CorruptException("damaged", "")),
            new State.Done(Whereabouts.RUNNING),
            new State.Failed(new PeerException("broke", ""), Whereabouts.UNKNOWN));

    @Test
    void everyKindOfEventAndStateIsInTheTable() {
        assertThat(EVENTS.stream().map(Object::getClass).distinct().count())
                .isEqualTo(Event.class.getPermittedSubclasses().length);
        assertThat(STATES.stream().map(Object::getClass).distinct().count())
                .isEqualTo(State.class.getPermittedSubclasses().length);
    }

    @Test
    void theArrowsAreTheDocumentedOnes() {
        Stream<String> arrows = STATES.stream()
                .flatMap(state -> EVENTS.stream().map(event -> {
                    Step step = RestoreCourse.next(true, state, event);
                    boolean changes = !step.state().getClass().equals(state.getClass())
                            || !step.effects().isEmpty();
                    return changes
                            ? word(state) + " | " + word(event) + " | " + word(step.state()) + " | "
                                    + (step.effects().isEmpty() ? "-" : step.effects())
                            : "";
                }))
                .filter(line -> !line.isEmpty())
                .distinct()
                .sorted();
        Arrows.check("restore-course.txt", arrows);
    }

    /// A background capture with a command for the disks takes the state of a guest that stands still.
    @Test
    void aGuestThatRanAtItsCaptureRunsAgain() {
        Step paused = RestoreCourse.next(true, new State.Settling(false), new Event.StatusSeen("paused"));
        assertThat(paused.effects())
                .containsExactly(RestoreCourse.Effect.CONTINUE_GUEST, RestoreCourse.Effect.ASK_STATUS);
        assertThat(RestoreCourse.next(true, paused.state(), new Event.StatusSeen("running"))
                        .state())
                .isEqualTo(new State.Done(Whereabouts.RUNNING));
        assertThat(RestoreCourse.next(false, new State.Settling(false), new Event.StatusSeen("paused"))
                        .state())
                .isEqualTo(new State.Done(Whereabouts.PAUSED));
    }

    /// As QEMU 7.2 does where another process has the guest's disk open.
    @Test
    void aGuestThatQemuDoesNotRunIsAFailureThatGivesQemusReason() {
        Step told = RestoreCourse.next(true, new State.Settling(false), new Event.StatusSeen("paused"));
        State end = RestoreCourse.next(true, told.state(), new Event.ContinueRefused("Failed to get \"write\" lock"))
                .state();
        assertThat(end).isInstanceOfSatisfying(State.Failed.class, failed -> {
            assertThat(failed.guest()).isEqualTo(Whereabouts.PAUSED);
            assertThat(failed.reason()).hasMessageContaining("Failed to get \"write\" lock");
        });
    }

    @Test
    void aQemuThatTakesNothingMoreIsNotWaitedForForEver() {
        Step stalled = RestoreCourse.next(true, RestoreCourse.begin(), new Event.PatienceEnded());
        assertThat(stalled.effects()).contains(RestoreCourse.Effect.CLOSE_STREAM);
        State end = RestoreCourse.next(true, stalled.state(), new Event.QemuLost(false))
                .state();
        assertThat(end)
                .isInstanceOfSatisfying(
                        State.Failed.class,
                        failed -> assertThat(failed.reason()).hasMessage("Nothing of the guest went to QEMU for 60 s"));
    }

    /// Damage in the repository is what the user has to hear of, not what QEMU says about the broken stream.
    @Test
    void aDamagedSnapshotIsNamedEvenIfQemuComplainsToo() {
        State state = RestoreCourse.begin();
        state = RestoreCourse.next(true, state, new Event.StreamBroke(new CorruptException("pack x is damaged", "")))
                .state();
        state = RestoreCourse.next(true, state, new Event.ReasonSeen("load of migration failed"))
                .state();
        assertThat(state)
                .isInstanceOfSatisfying(
                        State.Failed.class,
                        failed -> assertThat(failed.reason())
                                .isInstanceOf(CorruptException.class)
                                .hasMessage("pack x is damaged"));
    }

    private static String word(Object value) {
        String name = value.getClass().getSimpleName();
        return switch (value) {
            case Event.MigrationStatus(var status) -> name + "(" + status + ")";
            case Event.StatusSeen(var status) -> name + "(" + status + ")";
            case Event.QemuLost(boolean gone) -> name + (gone ? "(gone)" : "");
            case Event.ReasonSeen(var reason) -> name + (reason.isEmpty() ? "()" : "(reason)");
            case Event.StreamBroke(var why) -> name + "(" + why.kind() + ")";
            case State.Failing(var why) -> name + "(" + why.kind() + ")";
            case State.Done done -> name + "(" + done.guest() + ")";
            case State.Failed failed -> name + "(" + failed.reason().kind() + ", " + failed.guest() + ")";
            default -> name;
        };
    }
}
