package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import java.util.List;

/// What a sender of a guest says next on the main connection, as a function of (plan, state, event): no sockets,
/// threads
/// or clocks. One request is outstanding at a time. `State` goes out when all memory that has to be in place is, and
/// not before.
///
/// Who stops early abandons the migration once nothing is outstanding, so that the VMM forgets the guest and can take
/// another one; merely closing would leave it with half a guest that holds the disks. Once `Complete` is sent there is
/// no way back.
public final class SenderCourse {
    private SenderCourse() {}

    /// What is to be sent.
    ///
    /// @param descriptors how many slots of memory are handed over as open files
    /// @param lazy whether memory comes while the guest runs
    /// @param paused whether the guest is to stand still in the end
    public record Plan(int descriptors, boolean lazy, boolean paused) {}

    /// What happens.
    public sealed interface Event {
        /// OK to the outstanding request.
        record Answered() implements Event {}

        /// Error to the outstanding request; the VMM forgets the guest by itself.
        record Refused() implements Event {}

        /// The main connection ended.
        record Ended() implements Event {}

        /// All memory that `State` has to wait for is in its place and acknowledged.
        record MemoryPlaced() implements Event {}

        /// The fault connection ended.
        ///
        /// @param whole whether every page was in place or answered by then
        record DrainEnded(boolean whole) implements Event {}

        /// Dray cannot go on, or was told not to.
        record Stop(DrayException reason) implements Event {}

        /// The state lasted longer than it may.
        record PatienceEnded() implements Event {}
    }

    /// What is to be done, in this order.
    public enum Effect {
        SEND_START,
        /// The next slot's open file.
        SEND_DESCRIPTOR,
        SEND_CONFIG,
        /// Push what has to be in place over connections of its own; ends in MemoryPlaced.
        PUSH_MEMORY,
        /// Connect for page faults, and serve them from now on: the VMM waits for it while it handles `State`.
        OPEN_FAULTS,
        SEND_STATE,
        SEND_COMPLETE,
        SEND_COMPLETE_PAUSED,
        SEND_ABANDON,
        /// From here on the guest needs Dray.
        GUEST_RUNS,
        /// From here on the guest may need Dray, and nobody has to wait for what follows.
        GUEST_MAY_RUN,
        CLOSE
    }

    /// The request that is outstanding, or what is waited for.
    public enum Stage {
        START("greeting"),
        DESCRIPTORS("memory"),
        CONFIG("configuration"),
        /// Nothing is outstanding; memory is not in place yet.
        MEMORY("memory"),
        STATE("state"),
        COMPLETE("end");

        private final String word;

        Stage(String word) {
            this.word = word;
        }
    }

    /// Where the guest is when it is over.
    public enum Guest {
        /// In no VMM.
        NOWHERE,
        RUNNING,
        PAUSED,
        /// In the VMM, but not all of it: it must not run.
        INCOMPLETE,
        /// It ran, and is lost.
        LOST,
        UNKNOWN
    }

    public sealed interface State {
        /// On the way to the guest's first step.
        ///
        /// @param descriptors slots that are not acknowledged yet
        /// @param placed whether all memory that has to be in place is
        /// @param drained whether the fault connection ended already, with every page
        record Sending(Stage stage, int descriptors, boolean placed, boolean drained) implements State {}

        /// To be abandoned as soon as the outstanding request is answered.
        record Stopping(Stage stage, DrayException reason) implements State {}

        /// `Abandon` is outstanding.
        ///
        /// @param guest where the guest is if it is not answered
        record Abandoning(DrayException reason, Guest guest) implements State {}

        /// The guest is the VMM's; its memory still comes.
        record Serving() implements State {}

        record Done(Guest guest) implements State {}

        record Failed(DrayException reason, Guest guest) implements State {}
    }

    public record Step(State state, List<Effect> effects) {}

    public static Step begin() {
        return step(new State.Sending(Stage.START, 0, false, false), Effect.SEND_START);
    }

    public static Step next(Plan plan, State state, Event event) {
        return switch (state) {
            case State.Done _, State.Failed _ -> step(state);
            case State.Sending s -> sending(plan, s, event);
            case State.Stopping s -> stopping(plan, s, event);
            case State.Abandoning s -> abandoning(s, event);
            case State.Serving _ -> serving(plan, event);
        };
    }

    private static Step sending(Plan plan, State.Sending s, Event event) {
        return switch (event) {
            case Event.Answered _ when s.stage == Stage.MEMORY -> broken(s.stage, "answered what nobody asked");
            case Event.Answered _ -> answered(plan, s);
            case Event.Refused _ ->
                closed(
                        new PeerException(
                                "Cloud Hypervisor refused the guest's " + s.stage.word, "its log says why" + UNTOUCHED),
                        Guest.NOWHERE);
            case Event.Ended _ -> broken(s.stage, "closed the connection");
            case Event.MemoryPlaced _ when s.stage == Stage.MEMORY -> state(plan, s);
            case Event.MemoryPlaced _ -> step(new State.Sending(s.stage, s.descriptors, true, s.drained));
            case Event.DrainEnded(boolean whole)
            when whole -> step(new State.Sending(s.stage, s.descriptors, s.placed, true));
            // Its answer tells more: an Error means that it forgot the guest.
            case Event.DrainEnded _ when s.placed -> step(new State.Stopping(s.stage, cut(s.stage, FAULTS_ENDED)));
            case Event.DrainEnded _ -> broken(s.stage, FAULTS_ENDED);
            // The guest may run already: Dray stays with one that needs it.
            case Event.Stop _
            when s.stage == Stage.COMPLETE && plan.lazy -> s.drained ? step(s) : step(s, Effect.GUEST_MAY_RUN);
            case Event.Stop(var reason) when s.stage == Stage.MEMORY -> abandon(reason, Guest.NOWHERE);
            case Event.Stop(var reason) -> step(new State.Stopping(s.stage, reason));
            // Nothing is outstanding, or it may be Dray that the VMM waits for: for a page.
            case Event.PatienceEnded _ when s.stage == Stage.MEMORY || needsPages(plan, s) -> step(s);
            case Event.PatienceEnded _ -> broken(s.stage, "did not answer");
        };
    }

    private static boolean needsPages(Plan plan, State.Sending s) {
        return plan.lazy && isLate(s.stage) && !s.drained;
    }

    private static Step answered(Plan plan, State.Sending s) {
        return switch (s.stage) {
            case START -> descriptorsOrConfig(plan.descriptors, s);
            case DESCRIPTORS -> descriptorsOrConfig(s.descriptors - 1, s);
            case CONFIG -> s.placed ? state(plan, s) : step(to(s, Stage.MEMORY), Effect.PUSH_MEMORY);
            case STATE -> step(to(s, Stage.COMPLETE), plan.paused ? Effect.SEND_COMPLETE_PAUSED : Effect.SEND_COMPLETE);
            case COMPLETE ->
                plan.lazy && !s.drained
                        ? step(new State.Serving(), Effect.GUEST_RUNS)
                        : step(new State.Done(guest(plan)), Effect.CLOSE);
            case MEMORY -> throw new IllegalStateException("nothing is outstanding");
        };
    }

    private static Step descriptorsOrConfig(int left, State.Sending s) {
        return left > 0
                ? step(new State.Sending(Stage.DESCRIPTORS, left, s.placed, s.drained), Effect.SEND_DESCRIPTOR)
                : step(to(s, Stage.CONFIG), Effect.SEND_CONFIG);
    }

    private static Step state(Plan plan, State.Sending s) {
        State.Sending next = new State.Sending(Stage.STATE, 0, true, s.drained);
        return plan.lazy ? step(next, Effect.OPEN_FAULTS, Effect.SEND_STATE) : step(next, Effect.SEND_STATE);
    }

    private static State.Sending to(State.Sending s, Stage stage) {
        return new State.Sending(stage, 0, s.placed, s.drained);
    }

    private static Step stopping(Plan plan, State.Stopping s, Event event) {
        return switch (event) {
            case Event.Answered _
            when s.stage == Stage.COMPLETE ->
                plan.lazy
                        ? closed(s.reason, Guest.LOST)
                        : step(new State.Done(guest(plan)), Effect.CLOSE); // too late to stop it
            case Event.Answered _ -> abandon(s.reason, s.stage == Stage.STATE ? half(plan) : Guest.NOWHERE);
            case Event.Refused _ -> closed(s.reason, Guest.NOWHERE);
            case Event.Ended _, Event.PatienceEnded _ -> closed(s.reason, lost(s.stage));
            case Event.MemoryPlaced _, Event.DrainEnded _, Event.Stop _ -> step(s);
        };
    }

    private static Step abandoning(State.Abandoning s, Event event) {
        return switch (event) {
            case Event.Answered _, Event.Refused _ -> closed(s.reason, Guest.NOWHERE);
            case Event.Ended _, Event.PatienceEnded _ -> closed(s.reason, s.guest);
            case Event.MemoryPlaced _, Event.DrainEnded _, Event.Stop _ -> step(s);
        };
    }

    private static Step serving(Plan plan, Event event) {
        return switch (event) {
            case Event.DrainEnded(boolean whole) when whole -> step(new State.Done(guest(plan)), Effect.CLOSE);
            case Event.DrainEnded _ ->
                closed(
                        new PeerException(
                                "Cloud Hypervisor ended, or gave up, before it had all of the guest's memory",
                                "kill it if it is still there: its guest must not go on; then restore again"
                                        + UNTOUCHED),
                        Guest.LOST);
            case Event.Stop(var reason) -> closed(reason, Guest.LOST);
            case Event.Answered _, Event.Refused _, Event.Ended _, Event.MemoryPlaced _, Event.PatienceEnded _ ->
                step(new State.Serving());
        };
    }

    private static final String UNTOUCHED = "; the snapshot is untouched";

    private static final String FAULTS_ENDED = "closed the connection for page faults";

    private static Step broken(Stage stage, String what) {
        return closed(cut(stage, what), lost(stage));
    }

    private static PeerException cut(Stage stage, String what) {
        return new PeerException(
                "Cloud Hypervisor " + what + " while Dray sent the guest's " + stage.word,
                "its log says why" + UNTOUCHED);
    }

    /// Where the guest is if the connection ends while something is outstanding.
    private static Guest lost(Stage stage) {
        return isLate(stage) ? Guest.UNKNOWN : Guest.NOWHERE;
    }

    /// Whether the VMM may have the guest by then, and a lazy one's pages be asked for.
    private static boolean isLate(Stage stage) {
        return stage == Stage.STATE || stage == Stage.COMPLETE;
    }

    private static Guest half(Plan plan) {
        return plan.lazy ? Guest.INCOMPLETE : Guest.PAUSED;
    }

    private static Guest guest(Plan plan) {
        return plan.paused ? Guest.PAUSED : Guest.RUNNING;
    }

    private static Step abandon(DrayException reason, Guest guest) {
        return step(new State.Abandoning(reason, guest), Effect.SEND_ABANDON);
    }

    private static Step closed(DrayException reason, Guest guest) {
        return step(new State.Failed(reason, guest), Effect.CLOSE);
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
