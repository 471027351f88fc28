package dev.dray.vmm.cloudhypervisor.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.CorruptException;
import dev.dray.error.InterruptedOperation;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Effect;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Event;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Guest;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Plan;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Stage;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.State;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SenderCourseTest {
    private static final Path DRAWING = Path.of("../docs/internals/cloud-hypervisor-sending.md");
    private static final Plan EAGER = new Plan(2, false, false);
    private static final Plan LAZY = new Plan(2, true, false);
    private static final Plan PUSHED = new Plan(0, false, true);
    private final CorruptException damaged = new CorruptException("damaged", "");

    private final List<Event> events = List.of(
            new Event.Answered(),
            new Event.Refused(),
            new Event.Ended(),
            new Event.MemoryPlaced(),
            new Event.DrainEnded(true),
            new Event.DrainEnded(false),
            new Event.Stop(damaged),
            new Event.PatienceEnded());

    @Test
    void everyKindOfEventAndStateIsInTheTable() {
        assertThat(events.stream().map(Object::getClass).distinct())
                .hasSize(Event.class.getPermittedSubclasses().length);
        assertThat(states().stream().map(Object::getClass).distinct())
                .hasSize(State.class.getPermittedSubclasses().length);
    }

    @Test
    void theArrowsAreTheDrawnOnes() throws IOException {
        var all = new ArrayList<String>(arrows(EAGER));
        Set<String> eager = new TreeSet<>(all);
        Set<String> lazy = arrows(LAZY);
        all.addAll(lazy);
        List<String> lines = all.stream()
                .distinct()
                .sorted()
                .map(line -> !lazy.contains(line) ? line + " (eager)" : !eager.contains(line) ? line + " (lazy)" : line)
                .toList();
        String text = Files.readString(DRAWING);
        if ("write".equals(System.getProperty("dray.arrows"))) {
            int from = text.indexOf("\n    ") + 1;
            String block = lines.stream().map(line -> "    " + line + "\n").collect(Collectors.joining());
            int to = from;
            while (text.startsWith("    ", to)) {
                to = text.indexOf('\n', to) + 1;
            }
            text = text.substring(0, from) + block + text.substring(to);
            Files.writeString(DRAWING, text);
        }
        List<String> drawn = text.lines()
                .filter(line -> line.startsWith("    ") && line.contains(" -> "))
                .map(String::strip)
                .toList();
        assertThat(drawn).isEqualTo(lines);
    }

    @Test
    void aGuestThatIsHandedOverRunsAfterTheWholeConversation() {
        assertThat(effects(EAGER, answers(4), new Event.MemoryPlaced(), answers(2)))
                .containsExactly(
                        Effect.SEND_START,
                        Effect.SEND_DESCRIPTOR,
                        Effect.SEND_DESCRIPTOR,
                        Effect.SEND_CONFIG,
                        Effect.PUSH_MEMORY,
                        Effect.SEND_STATE,
                        Effect.SEND_COMPLETE,
                        Effect.CLOSE);
        assertThat(effects(PUSHED, answers(2), new Event.MemoryPlaced(), answers(2)))
                .containsExactly(
                        Effect.SEND_START,
                        Effect.SEND_CONFIG,
                        Effect.PUSH_MEMORY,
                        Effect.SEND_STATE,
                        Effect.SEND_COMPLETE_PAUSED,
                        Effect.CLOSE);
    }

    @Test
    void aLazyGuestIsServedFromBeforeStateUntilItsConnectionEndsWithEveryPage() {
        Plan plan = new Plan(1, true, false);
        assertThat(effects(plan, new Event.MemoryPlaced(), answers(5), new Event.DrainEnded(true)))
                .containsExactly(
                        Effect.SEND_START,
                        Effect.SEND_DESCRIPTOR,
                        Effect.SEND_CONFIG,
                        Effect.OPEN_FAULTS,
                        Effect.SEND_STATE,
                        Effect.SEND_COMPLETE,
                        Effect.GUEST_RUNS,
                        Effect.CLOSE);
    }

    /// State makes the VMM stop its workers and drop what they have not read.
    @Test
    void stateDoesNotGoOutBeforeAllMemoryIsAcknowledged() {
        for (Plan plan : List.of(EAGER, LAZY, PUSHED)) {
            for (State state : states()) {
                for (Event event : events) {
                    Step step = SenderCourse.next(plan, state, event);
                    if (step.effects().contains(Effect.SEND_STATE)) {
                        assertThat(event instanceof Event.MemoryPlaced
                                        || (state instanceof State.Sending sending && sending.placed()))
                                .as("%s + %s", state, event)
                                .isTrue();
                    }
                }
            }
        }
    }

    /// The VMM handles `State` only with a fault connection, for 30 s, and then gives up.
    @Test
    void theFaultConnectionIsThereBeforeState() {
        Step step = SenderCourse.next(LAZY, new State.Sending(Stage.CONFIG, 0, true, false), new Event.Answered());
        assertThat(step.effects()).containsExactly(Effect.OPEN_FAULTS, Effect.SEND_STATE);
    }

    @Test
    void theEndOfTheFaultConnectionAloneIsNotTheEndOfTheRestore() {
        Step step = SenderCourse.next(LAZY, new State.Serving(), new Event.DrainEnded(false));
        assertThat(step.state())
                .isInstanceOfSatisfying(
                        State.Failed.class, failed -> assertThat(failed.guest()).isEqualTo(Guest.LOST));
    }

    @Test
    void aSmallGuestThatHasAllItsPagesBeforeItRunsIsNotWaitedFor() {
        Step step =
                SenderCourse.next(LAZY, new State.Sending(Stage.COMPLETE, 0, true, false), new Event.DrainEnded(true));
        step = SenderCourse.next(LAZY, step.state(), new Event.Answered());
        assertThat(step.state()).isEqualTo(new State.Done(Guest.RUNNING));
    }

    @Test
    void whoIsToldToStopAbandonsTheMigrationAndLeavesNothingBehind() {
        var reason = new InterruptedOperation("stop", "");
        for (Stage stage : Stage.values()) {
            Step step = SenderCourse.next(
                    LAZY, new State.Sending(stage, 1, stage == Stage.STATE, false), new Event.Stop(reason));
            if (stage == Stage.COMPLETE) {
                continue; // there is no way back: the tests below
            }
            if (stage != Stage.MEMORY) {
                assertThat(step.effects()).as("one request at a time").isEmpty();
                step = SenderCourse.next(LAZY, step.state(), new Event.Answered());
            }
            assertThat(step.effects()).containsExactly(Effect.SEND_ABANDON);
            step = SenderCourse.next(LAZY, step.state(), new Event.Answered());
            assertThat(step.state()).isEqualTo(new State.Failed(reason, Guest.NOWHERE));
        }
    }

    @Test
    void whoIsToldToStopAfterCompleteStaysWithALazyGuestAndLetsTheUserGo() {
        State late = new State.Sending(Stage.COMPLETE, 0, true, false);
        Step step = SenderCourse.next(LAZY, late, new Event.Stop(damaged));
        assertThat(step.state()).isEqualTo(late);
        assertThat(step.effects()).containsExactly(Effect.GUEST_MAY_RUN);
    }

    @Test
    void whoIsToldToStopAfterCompleteLeavesAnEagerGuestThatIsNotAnsweredForSoon() {
        State late = new State.Sending(Stage.COMPLETE, 0, true, false);
        State stopping = SenderCourse.next(EAGER, late, new Event.Stop(damaged)).state();
        assertThat(SenderCourse.next(EAGER, stopping, new Event.PatienceEnded()).state())
                .isEqualTo(new State.Failed(damaged, Guest.UNKNOWN));
        assertThat(SenderCourse.next(EAGER, stopping, new Event.Answered()).state())
                .as("it was too late, and the guest runs")
                .isEqualTo(new State.Done(Guest.RUNNING));
    }

    @Test
    void aVmmThatAnswersNothingIsNotWaitedForForEver() {
        for (Stage stage : List.of(Stage.START, Stage.DESCRIPTORS, Stage.CONFIG, Stage.STATE, Stage.COMPLETE)) {
            Step step = SenderCourse.next(EAGER, new State.Sending(stage, 1, true, false), new Event.PatienceEnded());
            assertThat(step.state()).isInstanceOfSatisfying(State.Failed.class, failed -> {
                assertThat(failed.reason()).hasMessageContaining("did not answer");
                boolean late = stage == Stage.STATE || stage == Stage.COMPLETE;
                assertThat(failed.guest()).isEqualTo(late ? Guest.UNKNOWN : Guest.NOWHERE);
            });
        }
    }

    /// It may wait for a page that Dray cannot read.
    @Test
    void aLazyGuestsVmmMayTakeAsLongAsItLikesOnceItAsksForPages() {
        for (Stage stage : List.of(Stage.STATE, Stage.COMPLETE)) {
            State state = new State.Sending(stage, 0, true, false);
            assertThat(SenderCourse.next(LAZY, state, new Event.PatienceEnded()).state())
                    .isEqualTo(state);
        }
    }

    @Test
    void aGuestLeftBehindWithoutItsMemoryIsCalledIncomplete() {
        var stopping = new State.Stopping(Stage.STATE, damaged);
        Step lazy = SenderCourse.next(LAZY, stopping, new Event.Answered());
        assertThat(SenderCourse.next(LAZY, lazy.state(), new Event.Ended()).state())
                .isEqualTo(new State.Failed(damaged, Guest.INCOMPLETE));
        Step eager = SenderCourse.next(EAGER, stopping, new Event.Answered());
        assertThat(SenderCourse.next(EAGER, eager.state(), new Event.PatienceEnded())
                        .state())
                .isEqualTo(new State.Failed(damaged, Guest.PAUSED));
    }

    private static Event[] answers(int count) {
        Event[] answers = new Event[count];
        java.util.Arrays.fill(answers, new Event.Answered());
        return answers;
    }

    private static List<Effect> effects(Plan plan, Object... events) {
        Step step = SenderCourse.begin();
        var effects = new ArrayList<>(step.effects());
        for (Object each : events) {
            for (Event event : each instanceof Event[] many ? List.of(many) : List.of((Event) each)) {
                step = SenderCourse.next(plan, step.state(), event);
                effects.addAll(step.effects());
            }
        }
        assertThat(step.state()).isInstanceOf(State.Done.class);
        return effects;
    }

    private List<State> states() {
        var states = new ArrayList<State>();
        for (Stage stage : Stage.values()) {
            for (int left = stage == Stage.DESCRIPTORS ? 1 : 0; left <= (stage == Stage.DESCRIPTORS ? 2 : 0); left++) {
                states.add(new State.Sending(stage, left, false, false));
                states.add(new State.Sending(stage, left, true, false));
            }
            states.add(new State.Stopping(stage, damaged));
        }
        states.add(new State.Sending(Stage.STATE, 0, true, true));
        states.add(new State.Sending(Stage.COMPLETE, 0, true, true));
        for (Guest guest : List.of(Guest.NOWHERE, Guest.PAUSED, Guest.INCOMPLETE)) {
            states.add(new State.Abandoning(damaged, guest));
        }
        states.add(new State.Serving());
        states.add(new State.Done(Guest.RUNNING));
        states.add(new State.Failed(damaged, Guest.NOWHERE));
        states.removeIf(SenderCourseTest::cannotBe);
        return states;
    }

    /// State waits for memory, and memory is waited for only as long as it is not there.
    private static boolean cannotBe(State state) {
        return switch (state) {
            case State.Sending s when s.stage() == Stage.STATE || s.stage() == Stage.COMPLETE -> !s.placed();
            case State.Sending s -> s.stage() == Stage.MEMORY && s.placed();
            case State.Stopping s -> s.stage() == Stage.MEMORY;
            default -> false;
        };
    }

    private Set<String> arrows(Plan plan) {
        return states().stream()
                .flatMap(state -> events.stream().map(event -> {
                    Step step;
                    try {
                        step = SenderCourse.next(plan, state, event);
                    } catch (IllegalStateException e) {
                        throw new AssertionError(state + " + " + event, e);
                    }
                    boolean changes =
                            !step.state().equals(state) || !step.effects().isEmpty();
                    return changes
                            ? word(state) + " + " + word(event) + " -> " + word(step.state())
                                    + (step.effects().isEmpty() ? "" : ": " + words(step.effects()))
                            : "";
                }))
                .filter(line -> !line.isEmpty())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String words(List<Effect> effects) {
        return effects.stream().map(Effect::name).collect(Collectors.joining(", "));
    }

    private static String word(Object value) {
        String name = value.getClass().getSimpleName();
        return switch (value) {
            case Event.DrainEnded(boolean whole) -> name + (whole ? "(whole)" : "(pages missing)");
            case State.Sending(var stage, int left, boolean placed, boolean drained) ->
                name + "(" + stage + (left > 0 ? " " + left : "") + (placed ? ", placed" : "")
                        + (drained ? ", drained" : "") + ")";
            case State.Stopping stopping -> name + "(" + stopping.stage() + ")";
            case State.Abandoning abandoning -> name + "(" + abandoning.guest() + ")";
            case State.Done(var guest) -> name + "(" + guest + ")";
            case State.Failed failed -> name + "(" + failed.guest() + ")";
            default -> name;
        };
    }
}
