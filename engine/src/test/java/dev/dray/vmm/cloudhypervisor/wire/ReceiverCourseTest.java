package dev.dray.vmm.cloudhypervisor.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.PeerException;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Speaker;
import dev.dray.testbed.Gen;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Effect;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Event;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Plan;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Stage;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.State;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Step;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Transport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReceiverCourseTest {
    private static final Path DRAWING = Path.of("../docs/internals/cloud-hypervisor-receiving.md");
    private static final List<Plan> PLANS = List.of(new Plan(false), new Plan(true));

    static Stream<ChTrace> traces() {
        return ChTrace.all();
    }

    private static List<Event> events() {
        List<Event> events = new ArrayList<>();
        for (Command command : Command.values()) {
            events.add(new Event.Request(command));
        }
        events.add(new Event.Unacceptable(new PeerException("no", "")));
        events.add(new Event.FaultConnection());
        events.add(new Event.Ready());
        events.add(new Event.Failed());
        events.add(new Event.Ended());
        return events;
    }

    /// All that can be reached.
    private static List<State> states() {
        List<State> found = new ArrayList<>(List.of(ReceiverCourse.begin()));
        for (int i = 0; i < found.size(); i++) {
            for (Plan plan : PLANS) {
                for (Event event : events()) {
                    State next = ReceiverCourse.next(plan, found.get(i), event).state();
                    if (!found.contains(next)) {
                        found.add(next);
                    }
                }
            }
        }
        return found;
    }

    @Test
    void everyKindOfEventIsInTheTable() {
        assertThat(events().stream().map(Object::getClass).distinct())
                .hasSize(Event.class.getPermittedSubclasses().length);
    }

    /// Every pair of state and event that changes something, as docs/internals draws it.
    @Test
    void theArrowsAreTheDrawnOnes() throws IOException {
        Map<String, Set<String>> eventsByArrow = new TreeMap<>();
        for (Plan plan : PLANS) {
            for (State state : states()) {
                for (Event event : events()) {
                    Step step = ReceiverCourse.next(plan, state, event);
                    boolean differs = !step.equals(ReceiverCourse.next(new Plan(!plan.preserved()), state, event));
                    String arrow = word(step.state())
                            + step.effects().stream()
                                    .map(Effect::toString)
                                    .collect(Collectors.joining(
                                            ", ", step.effects().isEmpty() ? "" : ": ", ""))
                            + (differs ? plan.preserved() ? " (kept by its VMM)" : " (let go)" : "");
                    if (!step.state().equals(state) || !step.effects().isEmpty()) {
                        eventsByArrow
                                .computeIfAbsent(word(state) + " + % -> " + arrow, _ -> new TreeSet<>())
                                .add(word(event));
                    }
                }
            }
        }
        List<String> arrows = eventsByArrow.entrySet().stream()
                .map(each -> each.getKey().replace("%", String.join("|", each.getValue())))
                .toList();
        String text = Files.readString(DRAWING);
        String block = arrows.stream().map(line -> "    " + line + "\n").collect(Collectors.joining());
        int from = text.indexOf("    CONFIGURED");
        if ("write".equals(System.getProperty("dray.arrows"))) {
            int to = from;
            while (text.startsWith("    ", to)) {
                to = text.indexOf('\n', to) + 1;
            }
            text = text.substring(0, from) + block + text.substring(to);
            Files.writeString(DRAWING, text);
        }
        assertThat(text.substring(from)).startsWith(block);
        assertThat(text.substring(from + block.length())).doesNotContain(" -> ");
    }

    private static String word(State state) {
        return state.stage() + (state.transport() == Transport.UNKNOWN ? "" : " " + state.transport());
    }

    private static String word(Event event) {
        return event instanceof Event.Request(var command)
                ? command.toString()
                : event.getClass().getSimpleName();
    }

    /// The sender waits for an answer and says nothing else meanwhile: two answers to one request, or none,
    /// would set both sides apart for good.
    @Test
    void everyRequestIsAnsweredOnceOrTheConnectionEnds() {
        for (Plan plan : PLANS) {
            for (State state : states()) {
                for (Event event : events()) {
                    Step step = ReceiverCourse.next(plan, state, event);
                    long answers = step.effects().stream()
                            .filter(effect -> effect == Effect.ANSWER_OK || effect == Effect.ANSWER_ERROR)
                            .count();
                    boolean owed = state.stage().owes()
                            || (!state.stage().isOver()
                                    && (event instanceof Event.Request || event instanceof Event.Unacceptable));
                    boolean owes = step.state().stage().owes();
                    boolean over = step.state().stage() == Stage.ABORTED && event instanceof Event.Ended;
                    assertThat(answers)
                            .as("%s + %s -> %s", state, event, step)
                            .isEqualTo(owed && !owes && !over ? 1 : 0);
                }
            }
        }
    }

    /// A guest whose VMM lets go of it must be in the repository: until Complete is answered a crash of Dray
    /// costs nothing, after it everything.
    @Test
    void completeIsNotAnsweredBeforeTheSnapshotIsStored() {
        for (State state : states()) {
            for (Event event : events()) {
                Step step = ReceiverCourse.next(new Plan(false), state, event);
                if (step.state().stage() == Stage.COMPLETED && state.stage() != Stage.COMPLETED) {
                    assertThat(state.stage()).isEqualTo(Stage.STORING);
                    assertThat(event).isInstanceOf(Event.Ready.class);
                }
                if (step.state().stage() == Stage.STORING && state.stage() != Stage.STORING) {
                    assertThat(step.effects()).containsExactly(Effect.STORE);
                }
            }
        }
    }

    @Test
    void aGuestThatItsVmmKeepsGoesOnBeforeTheSnapshotIsStored() {
        Step step = ReceiverCourse.next(new Plan(true), new State(Stage.FINISHING, Transport.LOCAL), new Event.Ready());
        assertThat(step.effects()).containsExactly(Effect.ANSWER_OK, Effect.STORE);
    }

    /// A VMM that dies while its guest is stored takes the only other copy with it.
    @Test
    void theEndOfASenderWhoseGuestIsAllHereDoesNotEndTheCapture() {
        State storing = new State(Stage.STORING, Transport.PULL);
        assertThat(ReceiverCourse.next(new Plan(false), storing, new Event.Ended())
                        .state())
                .isEqualTo(storing);
    }

    @ParameterizedTest
    @MethodSource("traces")
    void followsEveryRecordedSenderToItsEnd(ChTrace trace) {
        State state = ReceiverCourse.begin();
        List<Effect> effects = new ArrayList<>();
        boolean asksForPages = false;
        for (ChTrace.Event event : trace.events()) {
            if (event.is("role") && event.bytes()[0] == Role.FAULT.code()) {
                asksForPages = true;
                state = ReceiverCourse.next(new Plan(false), state, new Event.FaultConnection())
                        .state();
            }
            if (event.connection() != 0 || event.speaker() != Speaker.SENDER || event.is("eof") || event.is("role")) {
                continue;
            }
            Event request = ReceiverCourse.of(RequestHeader.read(MemorySegment.ofArray(event.bytes()), 0));
            assertThat(request).as("%s", event).isInstanceOf(Event.Request.class);
            Step step = ReceiverCourse.next(new Plan(false), state, request);
            effects.addAll(step.effects());
            state = step.state();
            while (state.stage().owes()) {
                step = ReceiverCourse.next(new Plan(false), state, new Event.Ready());
                effects.addAll(step.effects());
                state = step.state();
            }
        }
        boolean local = trace.events().stream().anyMatch(event -> event.is("MemoryFd"));
        assertThat(state)
                .isEqualTo(new State(
                        Stage.COMPLETED, local ? Transport.LOCAL : asksForPages ? Transport.PULL : Transport.STREAM));
        assertThat(effects).doesNotContain(Effect.ANSWER_ERROR, Effect.DISCARD);
    }

    @Test
    void refusesWhatNobodyShouldSend() {
        List<RequestHeader> wrong = List.of(
                new RequestHeader(0, 0, 0),
                new RequestHeader(10, 0, 0),
                new RequestHeader(Command.START.code(), 1, 0),
                new RequestHeader(Command.START.code(), 0, 1),
                new RequestHeader(Command.COMPLETE.code(), 0, 16),
                new RequestHeader(Command.MEMORY_FD.code(), 0, 0),
                new RequestHeader(Command.MEMORY_FD.code(), 0, 8),
                new RequestHeader(Command.MEMORY.code(), 0, 17),
                new RequestHeader(Command.MEMORY.code(), 0, -16),
                new RequestHeader(Command.CONFIG.code(), 0, (4L << 20) + 1),
                new RequestHeader(Command.STATE.code(), 0, (32L << 20) + 1),
                new RequestHeader(Command.STATE.code(), 0, Long.MIN_VALUE));
        assertThat(wrong)
                .allSatisfy(header -> assertThat(ReceiverCourse.of(header)).isInstanceOf(Event.Unacceptable.class));
    }

    @Test
    void noOrderOfEventsLeadsOutOfTheTable() {
        Gen gen = Gen.create("ReceiverCourseTest");
        for (int run = 0; run < 2000; run++) {
            Plan plan = new Plan(gen.chance(0.5));
            State state = ReceiverCourse.begin();
            boolean over = false;
            for (int i = 0; i < 40; i++) {
                List<Event> events = events();
                Step step = ReceiverCourse.next(plan, state, gen.oneOf(events));
                if (over) {
                    assertThat(step).isEqualTo(new Step(state, List.of()));
                }
                state = step.state();
                over = state.stage().isOver();
            }
        }
    }
}
