package dev.dray.machine.qemu;

import dev.dray.machine.qemu.DestinationCourse.Event.*;
import dev.dray.machine.qemu.DestinationCourse.State.*;
import java.util.List;

/// The course of an incoming migration as a function of (state, event): no sockets, threads or clocks.
///
/// Invariants: one process takes one migration; the guest is started by [Effect#START_GUEST] only, after the whole
/// stream was loaded and a source that waits for an answer was sent one. (QEMU also starts it if that cannot be sent,
/// and
/// then the guest may run twice.) Source: QEMU 10.0, migration/migration.c, `process_incoming_migration_co`.
final class DestinationCourse {
    private DestinationCourse() {}

    sealed interface State {
        /// How QEMU calls it; empty before anything has begun.
        String status();

        /// Has a guest of its own.
        record Absent() implements State {
            @Override
            public String status() {
                return "";
            }
        }

        /// Waits to be told where to listen.
        record Deferred() implements State {
            @Override
            public String status() {
                return "";
            }
        }

        /// Listens for the source.
        ///
        /// @param exitOnError whether the machine is to end if this fails
        record Listening(boolean exitOnError) implements State {
            @Override
            public String status() {
                return "setup";
            }
        }

        record Loading(boolean exitOnError) implements State {
            @Override
            public String status() {
                return "active";
            }
        }

        /// The guest is in place; the source is told before it runs here.
        record Telling(boolean exitOnError) implements State {
            @Override
            public String status() {
                return "active";
            }
        }

        record Arrived() implements State {
            @Override
            public String status() {
                return "completed";
            }
        }

        record Failed(String reason) implements State {
            @Override
            public String status() {
                return "failed";
            }
        }
    }

    sealed interface Event {
        /// `migrate-incoming`.
        record Asked(boolean exitOnError) implements Event {}

        record Accepted() implements Event {}

        /// The whole stream is in place.
        record Loaded() implements Event {}

        /// The source knows that its guest has arrived, or does not want to know.
        record SourceTold() implements Event {}

        record LoadFailed(String reason) implements Event {}
    }

    enum Effect {
        LISTEN,
        LOAD,
        START_GUEST,
        /// Tell the source that all is well, if it listens; comes back as [Event.SourceTold].
        ACCEPT,
        /// Tell the source that it failed, if it listens.
        REFUSE,
        CLOSE,
        ANNOUNCE,
        EXIT
    }

    record Step(State state, List<Effect> effects) {}

    static State begin(boolean isIncoming) {
        return isIncoming ? new Deferred() : new Absent();
    }

    static Step next(State state, Event event) {
        return switch (state) {
            case Deferred _ ->
                event instanceof Asked(boolean exit)
                        ? step(new Listening(exit), Effect.ANNOUNCE, Effect.LISTEN)
                        : step(state);
            case Listening(boolean exit) ->
                event instanceof Accepted
                        ? step(new Loading(exit), Effect.ANNOUNCE, Effect.LOAD)
                        : failedOr(state, exit, event);
            case Loading(boolean exit) ->
                event instanceof Loaded ? step(new Telling(exit), Effect.ACCEPT) : failedOr(state, exit, event);
            case Telling(boolean exit) ->
                event instanceof SourceTold
                        ? step(new Arrived(), Effect.START_GUEST, Effect.ANNOUNCE, Effect.CLOSE)
                        : failedOr(state, exit, event);
            case Absent _, Arrived _, Failed _ -> step(state);
        };
    }

    private static Step failedOr(State state, boolean exit, Event event) {
        return event instanceof LoadFailed(var reason) ? failed(exit, reason) : step(state);
    }

    private static Step failed(boolean exit, String reason) {
        return exit
                ? step(new Failed(reason), Effect.REFUSE, Effect.CLOSE, Effect.ANNOUNCE, Effect.EXIT)
                : step(new Failed(reason), Effect.REFUSE, Effect.CLOSE, Effect.ANNOUNCE);
    }

    /// Why `migrate-incoming` is refused, if it is.
    static String refusal(State state) {
        return switch (state) {
            case Absent _ -> "'-incoming' was not specified on the command line";
            case Deferred _ -> "";
            case Listening _, Loading _, Telling _, Arrived _, Failed _ ->
                "The incoming migration has already been started";
        };
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
