package dev.dray.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.qemu.DestinationCourse.Event;
import dev.dray.machine.qemu.DestinationCourse.State;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DestinationCourseTest {
    private static final List<State> STATES = List.of(
            new State.Absent(),
            new State.Deferred(),
            new State.Listening(true),
            new State.Loading(false),
            new State.Loading(true),
            new State.Telling(false),
            new State.Telling(true),
            new State.Arrived(),
            new State.Failed("broken"));

    private static final List<Event> EVENTS = List.of(
            new Event.Asked(true),
            new Event.Accepted(),
            new Event.Loaded(),
            new Event.SourceTold(),
            new Event.LoadFailed("broken"));

    @Test
    void listsAreComplete() {
        assertThat(STATES.stream().map(Object::getClass).distinct().count())
                .isEqualTo(State.class.getPermittedSubclasses().length);
        assertThat(EVENTS.stream().map(Object::getClass).distinct().count())
                .isEqualTo(Event.class.getPermittedSubclasses().length);
    }

    @Test
    void everyPairDoesWhatTheTableSays() {
        List<String> table = new ArrayList<>();
        for (State state : STATES) {
            for (Event event : EVENTS) {
                DestinationCourse.Step step = DestinationCourse.next(state, event);
                if (!step.state().equals(state) || !step.effects().isEmpty()) {
                    table.add(state + " + " + event + " -> " + step.state() + " " + step.effects());
                }
            }
        }
        assertThat(table)
                .containsExactly(
                        "Deferred[] + Asked[exitOnError=true] -> Listening[exitOnError=true] [ANNOUNCE, LISTEN]",
                        "Listening[exitOnError=true] + Accepted[] -> Loading[exitOnError=true] [ANNOUNCE, LOAD]",
                        "Listening[exitOnError=true] + LoadFailed[reason=broken] -> Failed[reason=broken]"
                                + " [REFUSE, CLOSE, ANNOUNCE, EXIT]",
                        "Loading[exitOnError=false] + Loaded[] -> Telling[exitOnError=false] [ACCEPT]",
                        "Loading[exitOnError=false] + LoadFailed[reason=broken] -> Failed[reason=broken]"
                                + " [REFUSE, CLOSE, ANNOUNCE]",
                        "Loading[exitOnError=true] + Loaded[] -> Telling[exitOnError=true] [ACCEPT]",
                        "Loading[exitOnError=true] + LoadFailed[reason=broken] -> Failed[reason=broken]"
                                + " [REFUSE, CLOSE, ANNOUNCE, EXIT]",
                        "Telling[exitOnError=false] + SourceTold[] -> Arrived[] [START_GUEST, ANNOUNCE, CLOSE]",
                        "Telling[exitOnError=false] + LoadFailed[reason=broken] -> Failed[reason=broken]"
                                + " [REFUSE, CLOSE, ANNOUNCE]",
                        "Telling[exitOnError=true] + SourceTold[] -> Arrived[] [START_GUEST, ANNOUNCE, CLOSE]",
                        "Telling[exitOnError=true] + LoadFailed[reason=broken] -> Failed[reason=broken]"
                                + " [REFUSE, CLOSE, ANNOUNCE, EXIT]");
    }

    @Test
    void takesOneMigrationOnly() {
        assertThat(DestinationCourse.refusal(DestinationCourse.begin(false)))
                .isEqualTo("'-incoming' was not specified on the command line");
        assertThat(DestinationCourse.refusal(DestinationCourse.begin(true))).isEmpty();
        assertThat(DestinationCourse.refusal(new State.Failed("")))
                .isEqualTo("The incoming migration has already been started");
    }
}
