package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.machine.cloudhypervisor.SourceCourse.Effect;
import dev.dray.machine.cloudhypervisor.SourceCourse.Event;
import dev.dray.machine.cloudhypervisor.SourceCourse.Plan;
import dev.dray.machine.cloudhypervisor.SourceCourse.State;
import dev.dray.testbed.Gen;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Walks all pairs of state and event of both courses, and random ways through the source's.
class CoursesTest {
    private static final Map<String, Plan> PLANS = plans();

    private static final List<State> SOURCE_STATES = List.of(
            new State.Connecting(),
            new State.Greeting(),
            new State.HandingOver(),
            new State.Configuring(),
            new State.Opening(),
            new State.Iterating(),
            new State.Finishing(),
            new State.Describing(),
            new State.Completing(),
            new State.Draining(),
            new State.Ended(true, ""));

    private static final List<Event> SOURCE_EVENTS = List.of(
            new Event.Connected(),
            new Event.Accepted(),
            new Event.Opened(),
            new Event.Tabled(0, -1, 300, false),
            new Event.Tabled(1 << 20, -1, 300, false),
            new Event.Tabled(1 << 20, 300, 300, false),
            new Event.Tabled(1 << 20, 301, 300, false),
            new Event.Tabled(1 << 20, 301, 300, true),
            new Event.Drained(),
            new Event.Refused(),
            new Event.Broke("broken"));

    private static final List<DestinationCourse.State> SITTING = List.of(
            new DestinationCourse.State.Established(),
            new DestinationCourse.State.Started(),
            new DestinationCourse.State.DescriptorsReceived(),
            new DestinationCourse.State.Configured(),
            new DestinationCourse.State.StateReceived(),
            new DestinationCourse.State.Completed(),
            new DestinationCourse.State.Aborted(),
            new DestinationCourse.State.Dropped(new DestinationCourse.State.Configured()));

    private static Map<String, Plan> plans() {
        Map<String, Plan> plans = new LinkedHashMap<>();
        plans.put("local", new Plan(true, false, false, true));
        plans.put("preserve", new Plan(true, false, true, true));
        plans.put("stream", new Plan(false, false, false, true));
        plans.put("patient", new Plan(false, false, false, false));
        plans.put("postcopy", new Plan(false, true, false, true));
        return plans;
    }

    @Test
    void listsAreComplete() {
        assertThat(SOURCE_STATES).hasSize(State.class.getPermittedSubclasses().length);
        assertThat(SOURCE_EVENTS.stream().map(Object::getClass).distinct().count())
                .isEqualTo(Event.class.getPermittedSubclasses().length);
        assertThat(SITTING).hasSize(DestinationCourse.State.class.getPermittedSubclasses().length - 1);
    }

    @Test
    void everyPairOfTheSourceDoesWhatTheTableSays() throws Exception {
        List<String> table = new ArrayList<>();
        for (State state : SOURCE_STATES) {
            for (Event event : SOURCE_EVENTS) {
                Map<SourceCourse.Step, List<String>> arrows = new LinkedHashMap<>();
                PLANS.forEach((name, plan) -> arrows.computeIfAbsent(
                                SourceCourse.next(plan, state, event), _ -> new ArrayList<>())
                        .add(name));
                arrows.forEach((step, plans) -> {
                    if (!isRefusal(step) && !step.effects().isEmpty()) {
                        String where = plans.size() == PLANS.size() ? "" : " " + plans;
                        table.add(state + " + " + event + where + " -> " + step.state() + " " + step.effects());
                    }
                });
            }
        }
        assertThat(table).isEqualTo(golden("ch-source-course.txt"));
    }

    /// Whatever else happens is the end of the migration, and the guest is where it was.
    private static boolean isRefusal(SourceCourse.Step step) {
        return step.state() instanceof State.Ended ended
                && !ended.isDone()
                && step.effects().equals(List.of(Effect.CLOSE, Effect.GIVE_BACK));
    }

    @Test
    void everyPairOfTheDestinationDoesWhatTheTableSays() throws Exception {
        List<String> table = new ArrayList<>();
        for (DestinationCourse.State state : SITTING) {
            for (Command command : Command.values()) {
                for (int version : command == Command.START ? new int[] {0, 1} : new int[] {0}) {
                    DestinationCourse.Step step =
                            DestinationCourse.next(state, new DestinationCourse.Event.Asked(command, version));
                    boolean isError = step.effects()
                            .equals(List.of(DestinationCourse.Effect.ANSWER_ERROR, DestinationCourse.Effect.CLEAR));
                    if (!isError && !step.effects().isEmpty()) {
                        table.add(
                                state + " + " + command + " " + version + " -> " + step.state() + " " + step.effects());
                    }
                }
            }
            table.add(state + " + Ended -> " + DestinationCourse.next(state, new DestinationCourse.Event.Ended()));
            table.add(state + " + Unknown -> " + DestinationCourse.next(state, new DestinationCourse.Event.Unknown()));
        }
        assertThat(table).isEqualTo(golden("ch-destination-course.txt"));
    }

    @Test
    void aRequestThatIsCarriedOutIsAnsweredOnce() {
        for (DestinationCourse.State state : SITTING) {
            for (Command command : Command.values()) {
                var asked = DestinationCourse.next(state, new DestinationCourse.Event.Asked(command, 0));
                if (asked.state() instanceof DestinationCourse.State.Busy busy) {
                    assertThat(DestinationCourse.next(busy, new DestinationCourse.Event.Done()))
                            .isEqualTo(new DestinationCourse.Step(
                                    busy.after(), List.of(DestinationCourse.Effect.ANSWER_OK)));
                    assertThat(DestinationCourse.next(busy, new DestinationCourse.Event.Failed("x"))
                                    .effects())
                            .containsExactly(DestinationCourse.Effect.ANSWER_ERROR, DestinationCourse.Effect.CLEAR);
                } else if (!DestinationCourse.isOver(state)) {
                    assertThat(asked.effects())
                            .containsAnyOf(DestinationCourse.Effect.ANSWER_ERROR, DestinationCourse.Effect.ANSWER_OK)
                            .hasSize(2);
                }
            }
        }
        assertThatThrownBy(() -> DestinationCourse.next(DestinationCourse.begin(), new DestinationCourse.Event.Done()))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whateverHappensTheGuestIsInOnePlace() {
        Gen gen = Gen.create("CoursesTest");
        for (int i = 0; i < 20_000; i++) {
            Gen way = gen.fork(i);
            Plan plan = List.copyOf(PLANS.values()).get(way.between(0, PLANS.size() - 1));
            List<Effect> effects = new ArrayList<>();
            SourceCourse.Step step = SourceCourse.begin();
            effects.addAll(step.effects());
            for (int events = 0; events < 40; events++) {
                step = SourceCourse.next(
                        plan, step.state(), SOURCE_EVENTS.get(way.between(0, way.chance(0.9) ? 8 : 10)));
                effects.addAll(step.effects());
            }
            long ends = effects.stream()
                    .filter(List.of(Effect.GIVE_BACK, Effect.PRESERVE, Effect.END_VM)::contains)
                    .count();
            assertThat(ends).as("way %s: %s", gen, effects).isEqualTo(step.state() instanceof State.Ended ? 1 : 0);
            assertThat(effects.stream().filter(Effect.PAUSE::equals).count())
                    .as("way %s: %s", gen, effects)
                    .isLessThanOrEqualTo(1);
            assertThat(effects.contains(Effect.SEND_STATE) && !effects.contains(Effect.PAUSE))
                    .as("way %s: %s", gen, effects)
                    .isFalse();
        }
    }

    private static List<String> golden(String name) throws IOException {
        try (var golden = CoursesTest.class.getResourceAsStream("/machine/" + name)) {
            return golden == null
                    ? List.of()
                    : new String(golden.readAllBytes(), StandardCharsets.UTF_8)
                            .lines()
                            .toList();
        }
    }
}
