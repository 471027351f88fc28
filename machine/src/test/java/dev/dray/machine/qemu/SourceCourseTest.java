package dev.dray.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.qemu.SourceCourse.Effect;
import dev.dray.machine.qemu.SourceCourse.Event;
import dev.dray.machine.qemu.SourceCourse.Plan;
import dev.dray.machine.qemu.SourceCourse.State;
import dev.dray.testbed.Gen;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Walks all pairs of state and event, for each plan.
class SourceCourseTest {
    private static final List<Plan> PLANS = List.of(
            new Plan(false, false, false),
            new Plan(true, false, false),
            new Plan(false, true, false),
            new Plan(true, false, true));

    private static final List<State> STATES = List.of(
            new State.Connecting(),
            new State.SettingUp(),
            new State.Active(),
            new State.Saving(),
            new State.Paused(),
            new State.Finishing(),
            new State.Waiting(),
            new State.Cancelling(),
            new State.Ended("completed", ""));

    private static final List<Event> EVENTS = List.of(
            new Event.Connected(),
            new Event.SetUp(),
            new Event.PartSent(1_000_000, 1000, 300),
            new Event.PartSent(1_000, 1000, 300),
            new Event.Continued(),
            new Event.AllSent(),
            new Event.Answered(0),
            new Event.Answered(5),
            new Event.AnswerLost(),
            new Event.Broke("broken"),
            new Event.Cancelled());

    @Test
    void listsAreComplete() {
        assertThat(STATES.stream().map(Object::getClass).distinct().count())
                .isEqualTo(State.class.getPermittedSubclasses().length);
        assertThat(EVENTS.stream().map(Object::getClass).distinct().count())
                .isEqualTo(Event.class.getPermittedSubclasses().length);
    }

    @Test
    void everyPairDoesWhatTheTableSays() throws Exception {
        List<String> table = new ArrayList<>();
        for (State state : STATES) {
            for (Event event : EVENTS) {
                arrows(state, event).forEach((plans, step) -> {
                    if (!step.state().equals(state) || !step.effects().isEmpty()) {
                        String where = plans.size() == PLANS.size() ? "" : " " + plans;
                        table.add(state + " + " + event + where + " -> " + step.state() + " " + step.effects());
                    }
                });
            }
        }
        try (var golden = SourceCourseTest.class.getResourceAsStream("/machine/source-course.txt")) {
            String expected = golden == null ? "" : new String(golden.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(String.join("\n", table) + "\n").isEqualTo(expected);
        }
    }

    /// What comes of a pair, each with the plans under which it does.
    private static Map<List<String>, SourceCourse.Step> arrows(State state, Event event) {
        Map<SourceCourse.Step, List<String>> plans = new LinkedHashMap<>();
        for (Plan plan : PLANS) {
            plans.computeIfAbsent(SourceCourse.next(plan, state, event), _ -> new ArrayList<>())
                    .add(name(plan));
        }
        Map<List<String>, SourceCourse.Step> arrows = new LinkedHashMap<>();
        plans.forEach((step, names) -> arrows.put(names, step));
        return arrows;
    }

    private static String name(Plan plan) {
        String answer = plan.returnPath() ? "return-path" : "plain";
        return plan.background() ? "background" : plan.pause() ? answer + "+pause" : answer;
    }

    @Test
    void theRestIsShortEnoughWhenItFitsTheDowntimeLimit() {
        assertThat(SourceCourse.isShortEnough(new Event.PartSent(300_000, 1000, 300)))
                .isTrue();
        assertThat(SourceCourse.isShortEnough(new Event.PartSent(301_000, 1000, 300)))
                .isFalse();
        assertThat(SourceCourse.isShortEnough(new Event.PartSent(0, 0, 0))).isTrue();
        assertThat(SourceCourse.isShortEnough(new Event.PartSent(1L << 46, 0, 2_000_000)))
                .isFalse();
    }

    /// However events come, a guest that was stopped runs again or has gone, memory that was frozen thaws, and the
    /// connection is closed.
    @Test
    void everyWalkEndsInOrder() {
        Gen gen = Gen.create("SourceCourseTest");
        for (int walk = 0; walk < 20_000; walk++) {
            Plan plan = gen.oneOf(PLANS);
            List<Effect> effects = new ArrayList<>(SourceCourse.begin().effects());
            State state = SourceCourse.begin().state();
            List<Object> seen = new ArrayList<>();
            while (!(state instanceof State.Ended)) {
                Event event = gen.oneOf(EVENTS);
                seen.add(event);
                SourceCourse.Step step = SourceCourse.next(plan, state, event);
                effects.addAll(step.effects());
                state = step.state();
            }
            String about = gen + " " + plan + " " + seen;
            assertThat(effects).as(about).contains(Effect.CLOSE);
            if (effects.contains(Effect.FREEZE)) {
                assertThat(effects).as(about).contains(Effect.THAW);
            }
            if (effects.contains(Effect.STOP_GUEST)) {
                assertThat(effects.subList(effects.indexOf(Effect.STOP_GUEST), effects.size()))
                        .as(about)
                        .containsAnyOf(Effect.RUN_GUEST, Effect.END_GUEST);
            }
            assertThat(SourceCourse.next(plan, state, gen.oneOf(EVENTS)).effects())
                    .isEmpty();
        }
    }
}
