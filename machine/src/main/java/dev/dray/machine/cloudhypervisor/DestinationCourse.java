package dev.dray.machine.cloudhypervisor;

import dev.dray.machine.cloudhypervisor.DestinationCourse.Event.*;
import dev.dray.machine.cloudhypervisor.DestinationCourse.State.*;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import java.util.List;

/// The course of an incoming migration as a function of (state, event): no sockets, threads or clocks.
///
/// Invariants: every request is answered once, with OK after it was carried out or with an error, and after an error
/// nothing is read any more; the guest is started by [Effect#RUN] only, after its whole state was taken. Source: Cloud
/// Hypervisor, vmm/src/lib.rs, `vm_receive_migration`.
final class DestinationCourse {
    private DestinationCourse() {}

    sealed interface State {
        /// Connected.
        record Established() implements State {}

        record Started() implements State {}

        record DescriptorsReceived() implements State {}

        record Configured() implements State {}

        record StateReceived() implements State {}

        /// A request is being carried out.
        record Busy(State before, State after) implements State {}

        record Completed() implements State {}

        /// Given up in good order: the sender was told.
        record Aborted() implements State {}

        /// The sender has gone. What there is stays.
        record Dropped(State in) implements State {}
    }

    sealed interface Event {
        /// A request; of [Command#START] with a version.
        record Asked(Command command, int version) implements Event {}

        /// A request with a number that nobody knows.
        record Unknown() implements Event {}

        /// The request was carried out.
        record Done() implements Event {}

        record Failed(String reason) implements Event {}

        /// The sender has closed the connection.
        record Ended() implements Event {}
    }

    enum Effect {
        TAKE_DESCRIPTOR,
        TAKE_CONFIG,
        TAKE_MEMORY,
        TAKE_STATE,
        /// Run the guest.
        RUN,
        /// Nothing is to be done for this request.
        PASS,
        ANSWER_OK,
        ANSWER_ERROR,
        /// No VM and no configuration are left.
        CLEAR,
        /// Leave everything as it is.
        DROP
    }

    record Step(State state, List<Effect> effects) {}

    static State begin() {
        return new Established();
    }

    static boolean isOver(State state) {
        return state instanceof Completed || state instanceof Aborted || state instanceof Dropped;
    }

    static Step next(State state, Event event) {
        if (isOver(state)) {
            return step(state);
        }
        return switch (event) {
            case Ended _, Unknown _ -> step(new Dropped(state), Effect.DROP);
            case Failed _ -> aborted();
            case Done _ -> state instanceof Busy busy ? step(busy.after, Effect.ANSWER_OK) : throwUnasked(state);
            case Asked(var command, var version) -> asked(state, command, version);
        };
    }

    private static Step throwUnasked(State state) {
        throw new IllegalStateException("nothing was asked in " + state);
    }

    private static Step asked(State state, Command command, int version) {
        if (command == Command.ABANDON) {
            return step(new Aborted(), Effect.ANSWER_OK, Effect.CLEAR);
        }
        return switch (state) {
            case Established _ ->
                command == Command.START && version == 0 ? busy(state, new Started(), Effect.PASS) : aborted();
            case Started _, DescriptorsReceived _ ->
                switch (command) {
                    case CONFIG -> busy(state, new Configured(), Effect.TAKE_CONFIG);
                    case MEMORY_FD -> busy(state, new DescriptorsReceived(), Effect.TAKE_DESCRIPTOR);
                    default -> aborted();
                };
            case Configured _ ->
                switch (command) {
                    case MEMORY -> busy(state, new Configured(), Effect.TAKE_MEMORY);
                    case STATE -> busy(state, new StateReceived(), Effect.TAKE_STATE);
                    default -> aborted();
                };
            case StateReceived _ ->
                switch (command) {
                    case COMPLETE -> busy(state, new Completed(), Effect.RUN);
                    case COMPLETE_PAUSED -> busy(state, new Completed(), Effect.PASS);
                    default -> aborted();
                };
            case Busy _, Completed _, Aborted _, Dropped _ -> throwUnasked(state);
        };
    }

    private static Step busy(State before, State after, Effect effect) {
        return step(new Busy(before, after), effect);
    }

    private static Step aborted() {
        return step(new Aborted(), Effect.ANSWER_ERROR, Effect.CLEAR);
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
