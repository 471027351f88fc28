package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.util.List;

/// What a receiver of a guest does about each message of the main connection, as a function of (plan, state,
/// event): no sockets, threads or clocks. It is the VMM's side of a snapshot: the sender is a Cloud Hypervisor
/// whose guest is captured.
///
/// Every request is answered once what it asks for is done, and the sender waits for that without a limit. So
/// the answer is the lever: the guest runs until Config is answered, and it exists in its VMM until Complete
/// is.
public final class ReceiverCourse {
    private ReceiverCourse() {}

    /// What becomes of the guest.
    ///
    /// @param preserved whether its VMM keeps it, standing still, when Complete is answered: then that can be
    ///     answered before the snapshot is stored, so that the guest goes on at once
    public record Plan(boolean preserved) {}

    /// How memory comes, as far as is known.
    public enum Transport {
        UNKNOWN,
        /// As descriptors, which are read while the guest runs and again when it stands still.
        LOCAL,
        /// As bytes, of which the later ones count.
        STREAM,
        /// It is asked for, once the guest stands still.
        PULL
    }

    /// What was done last, or is being done.
    public enum Stage {
        CONNECTED,
        STARTED,
        TAKING_DESCRIPTOR,
        DESCRIBED,
        CONFIGURING,
        CONFIGURED,
        FILLING,
        TAKING_STATE,
        STATED,
        /// Reads what memory there is still to be read.
        FINISHING,
        /// All of the guest is here, and becomes a snapshot.
        STORING,
        /// Complete is answered: the sender has let go.
        COMPLETED,
        ABORTED;

        /// Whether an answer is owed: the sender says nothing before it has it.
        public boolean owes() {
            return switch (this) {
                case TAKING_DESCRIPTOR, CONFIGURING, FILLING, TAKING_STATE, FINISHING, STORING -> true;
                case CONNECTED, STARTED, DESCRIBED, CONFIGURED, STATED, COMPLETED, ABORTED -> false;
            };
        }

        public boolean isOver() {
            return this == COMPLETED || this == ABORTED;
        }
    }

    public record State(Stage stage, Transport transport) {}

    /// What happens.
    public sealed interface Event {
        record Request(Command command) implements Event {}

        /// A request that nobody should send: of an unknown kind, version or length.
        record Unacceptable(PeerException why) implements Event {}

        /// The sender has opened a connection on which it can be asked for pages.
        record FaultConnection() implements Event {}

        /// What the last effect told to do is done.
        record Ready() implements Event {}

        /// Dray cannot go on, or was told not to.
        record Failed() implements Event {}

        /// The main connection has ended.
        record Ended() implements Event {}
    }

    /// What is to be done, in this order. What takes time is answered by Ready or Failed.
    public enum Effect {
        ANSWER_OK,
        ANSWER_ERROR,
        TAKE_DESCRIPTOR,
        /// Read the Config; then, where memory came as descriptors, copy it while the guest runs.
        TAKE_CONFIG,
        TAKE_MEMORY,
        TAKE_STATE,
        /// Read all memory that is not here yet, or not as it is now.
        FINISH,
        /// Make the snapshot durable and visible.
        STORE,
        /// Nothing of it is kept; the sender lets its guest run on by itself.
        DISCARD
    }

    public record Step(State state, List<Effect> effects) {}

    public static State begin() {
        return new State(Stage.CONNECTED, Transport.UNKNOWN);
    }

    /// What a request means before anything else of it is read.
    public static Event of(RequestHeader header) {
        Command command = Command.of(header.command()).orElse(null);
        if (command == null) {
            return new Event.Unacceptable(
                    Refusal.broken("The sender asks for the unknown command " + header.command()));
        }
        String length = Long.toUnsignedString(header.length());
        if (command == Command.START && header.version() != Wire.PROTOCOL_VERSION) {
            return new Event.Unacceptable(
                    Refusal.broken("The sender speaks version " + header.version() + " of the migration protocol"));
        }
        long limit = switch (command) {
            case CONFIG -> WireLimits.CONFIG_BYTES_MAX;
            case STATE -> WireLimits.STATE_BYTES_MAX;
            case MEMORY -> (long) WireLimits.TABLE_ENTRIES_MAX * MemoryRange.BYTES;
            case MEMORY_FD -> Wire.SLOT_BYTES;
            case PAGE_FAULT -> MemoryRange.BYTES;
            case START, COMPLETE, COMPLETE_PAUSED, ABANDON -> 0;
        };
        boolean exact = command == Command.MEMORY_FD || command == Command.PAGE_FAULT;
        if (Long.compareUnsigned(header.length(), limit) > 0 || (exact && header.length() != limit)) {
            return new Event.Unacceptable(Refusal.broken("The sender's " + command + " has " + length + " bytes, "
                    + (exact ? "not " : "more than ") + limit));
        }
        if (command == Command.MEMORY && header.length() % MemoryRange.BYTES != 0) {
            return new Event.Unacceptable(
                    Refusal.broken("The sender's table of memory has " + length + " bytes, not a multiple of 16"));
        }
        return new Event.Request(command);
    }

    public static Step next(Plan plan, State state, Event event) {
        if (state.stage.isOver()) {
            return step(state);
        }
        return switch (event) {
            case Event.Request(var command)
            when command == Command.ABANDON -> abort(state, Effect.ANSWER_OK, Effect.DISCARD);
            case Event.Request(var command) -> requested(state, command);
            case Event.Unacceptable _ -> refuse(state);
            case Event.FaultConnection _ -> faultConnection(state);
            case Event.Ready _ -> ready(plan, state);
            case Event.Failed _ -> state.stage.owes() ? refuse(state) : abort(state, Effect.DISCARD);
            // All of the guest is here, and if its VMM is gone nowhere else.
            case Event.Ended _ -> state.stage == Stage.STORING ? step(state) : abort(state, Effect.DISCARD);
        };
    }

    private static Step requested(State state, Command command) {
        Transport transport = state.transport;
        return switch (state.stage) {
            case CONNECTED ->
                command == Command.START ? step(to(state, Stage.STARTED), Effect.ANSWER_OK) : refuse(state);
            case STARTED, DESCRIBED ->
                switch (command) {
                    case MEMORY_FD -> step(new State(Stage.TAKING_DESCRIPTOR, Transport.LOCAL), Effect.TAKE_DESCRIPTOR);
                    case CONFIG -> step(to(state, Stage.CONFIGURING), Effect.TAKE_CONFIG);
                    default -> refuse(state);
                };
            case CONFIGURED ->
                switch (command) {
                    case MEMORY ->
                        transport == Transport.LOCAL
                                ? refuse(state)
                                : step(
                                        new State(
                                                Stage.FILLING,
                                                transport == Transport.PULL ? transport : Transport.STREAM),
                                        Effect.TAKE_MEMORY);
                    case STATE -> step(to(state, Stage.TAKING_STATE), Effect.TAKE_STATE);
                    default -> refuse(state);
                };
            case STATED ->
                command == Command.COMPLETE || command == Command.COMPLETE_PAUSED
                        ? step(
                                new State(
                                        Stage.FINISHING, transport == Transport.UNKNOWN ? Transport.STREAM : transport),
                                Effect.FINISH)
                        : refuse(state);
            // Asks before it was answered.
            case TAKING_DESCRIPTOR, CONFIGURING, FILLING, TAKING_STATE, FINISHING, STORING -> refuse(state);
            case COMPLETED, ABORTED -> step(state);
        };
    }

    /// It was opened before State was sent, but two connections have no common order: it counts until Complete.
    private static Step faultConnection(State state) {
        return switch (state.stage) {
            case CONFIGURING, CONFIGURED, FILLING, TAKING_STATE, STATED ->
                step(state.transport == Transport.LOCAL ? state : new State(state.stage, Transport.PULL));
            default -> step(state);
        };
    }

    private static Step ready(Plan plan, State state) {
        return switch (state.stage) {
            case TAKING_DESCRIPTOR -> step(to(state, Stage.DESCRIBED), Effect.ANSWER_OK);
            case CONFIGURING, FILLING -> step(to(state, Stage.CONFIGURED), Effect.ANSWER_OK);
            case TAKING_STATE -> step(to(state, Stage.STATED), Effect.ANSWER_OK);
            case FINISHING ->
                plan.preserved
                        ? step(to(state, Stage.COMPLETED), Effect.ANSWER_OK, Effect.STORE)
                        : step(to(state, Stage.STORING), Effect.STORE);
            case STORING -> step(to(state, Stage.COMPLETED), Effect.ANSWER_OK);
            case CONNECTED, STARTED, DESCRIBED, CONFIGURED, STATED, COMPLETED, ABORTED -> step(state);
        };
    }

    private static State to(State state, Stage stage) {
        return new State(stage, state.transport);
    }

    private static Step refuse(State state) {
        return abort(state, Effect.ANSWER_ERROR, Effect.DISCARD);
    }

    private static Step abort(State state, Effect... effects) {
        return step(to(state, Stage.ABORTED), effects);
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
