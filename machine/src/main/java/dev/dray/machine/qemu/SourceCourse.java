package dev.dray.machine.qemu;

import dev.dray.machine.qemu.SourceCourse.Event.*;
import dev.dray.machine.qemu.SourceCourse.State.*;
import java.util.List;

/// The course of an outgoing migration as a function of (state, event): no sockets, threads or clocks. A driver feeds
/// it events and carries out its effects, in order.
///
/// Invariants: the guest is stopped by [Effect#STOP_GUEST] only, and whatever happens then, either [Effect#END_GUEST]
/// or [Effect#RUN_GUEST] follows; after [Ended] nothing follows. Source: QEMU 10.0, migration/migration.c.
final class SourceCourse {
    private SourceCourse() {}

    /// What the migration was told to be.
    ///
    /// @param returnPath whether the destination says the last word
    /// @param background whether the guest runs on and its state at the start is sent
    /// @param pause whether to wait for `migrate-continue` between stopping the guest and sending the rest
    record Plan(boolean returnPath, boolean background, boolean pause) {}

    sealed interface State {
        /// How QEMU calls it.
        String status();

        record Connecting() implements State {
            @Override
            public String status() {
                return "setup";
            }
        }

        /// Header, configuration and the list of memory blocks are being sent.
        record SettingUp() implements State {
            @Override
            public String status() {
                return "setup";
            }
        }

        /// Memory is being sent while the guest runs.
        record Active() implements State {
            @Override
            public String status() {
                return "active";
            }
        }

        /// Frozen memory is being sent while the guest runs.
        record Saving() implements State {
            @Override
            public String status() {
                return "active";
            }
        }

        /// The guest stands still and somebody else is to do something first.
        record Paused() implements State {
            @Override
            public String status() {
                return "pre-switchover";
            }
        }

        /// The guest stands still; the rest is being sent.
        record Finishing() implements State {
            @Override
            public String status() {
                return "device";
            }
        }

        /// Everything is sent. The guest stands still until the destination answers.
        record Waiting() implements State {
            @Override
            public String status() {
                return "device";
            }
        }

        /// Cancelled while something was being sent; waits until that has ended.
        record Cancelling() implements State {
            @Override
            public String status() {
                return "cancelling";
            }
        }

        /// Over: `completed`, `failed` or `cancelled`.
        record Ended(String status, String reason) implements State {}
    }

    sealed interface Event {
        record Connected() implements Event {}

        /// Setup was sent.
        record SetUp() implements Event {}

        /// A part of memory was sent.
        ///
        /// @param pendingBytes what would have to be sent if the guest stopped now
        /// @param bytesPerMs how fast the part went
        /// @param downtimeLimitMs the limit at this moment
        record PartSent(long pendingBytes, long bytesPerMs, long downtimeLimitMs) implements Event {}

        /// `migrate-continue`.
        record Continued() implements Event {}

        /// Everything was sent.
        record AllSent() implements Event {}

        /// The destination's last word.
        record Answered(int status) implements Event {}

        /// The destination has hung up on its side of the return path.
        record AnswerLost() implements Event {}

        /// Nothing can be sent any more.
        record Broke(String reason) implements Event {}

        /// `migrate_cancel`.
        record Cancelled() implements Event {}
    }

    enum Effect {
        CONNECT,
        SEND_SETUP,
        SEND_PART,
        SEND_REST,
        SEND_FROZEN,
        /// Freeze memory and save the devices at one instant.
        FREEZE,
        THAW,
        STOP_GUEST,
        /// Run the guest if the migration had stopped it.
        RUN_GUEST,
        /// The guest has gone.
        END_GUEST,
        CLOSE,
        /// Tell clients the new status.
        ANNOUNCE
    }

    record Step(State state, List<Effect> effects) {}

    static final String HUNG_UP = "Channel error: Input/output error";

    static Step begin() {
        return step(new Connecting(), Effect.ANNOUNCE, Effect.CONNECT);
    }

    static Step next(Plan plan, State state, Event event) {
        return switch (state) {
            case Ended _ -> step(state);
            case Cancelling _ -> cancelling(state, event);
            case Connecting _ ->
                event instanceof Connected ? step(new SettingUp(), Effect.SEND_SETUP) : anywhere(state, event);
            case SettingUp _ -> event instanceof SetUp ? setUp(plan) : anywhere(state, event);
            case Active _ -> event instanceof PartSent part ? partSent(plan, part) : anywhere(state, event);
            case Saving _ -> event instanceof AllSent ? saved() : anywhere(state, event);
            case Paused _ ->
                event instanceof Continued
                        ? step(new Finishing(), Effect.ANNOUNCE, Effect.SEND_REST)
                        : anywhere(state, event);
            case Finishing _ -> event instanceof AllSent ? allSent(plan) : answered(state, event);
            case Waiting _ -> answered(state, event);
        };
    }

    private static Step setUp(Plan plan) {
        return plan.background
                ? step(new Saving(), Effect.ANNOUNCE, Effect.FREEZE, Effect.SEND_FROZEN)
                : step(new Active(), Effect.ANNOUNCE, Effect.SEND_PART);
    }

    private static Step partSent(Plan plan, PartSent part) {
        if (!isShortEnough(part)) {
            return step(new Active(), Effect.SEND_PART);
        }
        return plan.pause
                ? step(new Paused(), Effect.STOP_GUEST, Effect.ANNOUNCE)
                : step(new Finishing(), Effect.STOP_GUEST, Effect.ANNOUNCE, Effect.SEND_REST);
    }

    /// Whether the rest can be sent within the downtime limit.
    static boolean isShortEnough(PartSent part) {
        return part.pendingBytes == 0 || part.pendingBytes / Math.max(1, part.bytesPerMs) <= part.downtimeLimitMs;
    }

    private static Step allSent(Plan plan) {
        return plan.returnPath ? step(new Waiting()) : gone();
    }

    /// The destination's word may arrive before the sending thread has said that it is done: it has the guest all the
    /// same.
    private static Step answered(State state, Event event) {
        return event instanceof Answered(int status) && status == 0 ? gone() : anywhere(state, event);
    }

    private static Step gone() {
        return step(new Ended("completed", ""), Effect.CLOSE, Effect.END_GUEST, Effect.ANNOUNCE);
    }

    private static Step saved() {
        return step(new Ended("completed", ""), Effect.THAW, Effect.CLOSE, Effect.ANNOUNCE);
    }

    /// What is the same in every state in which the migration can still fail.
    private static Step anywhere(State state, Event event) {
        return switch (event) {
            case Broke(var reason) -> failed(reason);
            case AnswerLost _ -> failed(HUNG_UP);
            case Answered(int status) when status != 0 -> failed("Sibling indicated error " + status);
            case Cancelled _ -> cancelled(state);
            case Connected _, SetUp _, PartSent _, Continued _, AllSent _, Answered _ -> step(state);
        };
    }

    /// In QEMU, two threads race for what a cancelled migration is called once the guest was stopped; here the closed
    /// connection counts.
    private static Step cancelled(State state) {
        return switch (state) {
            case Connecting _, SettingUp _, Active _, Saving _ -> step(new Cancelling(), Effect.ANNOUNCE, Effect.CLOSE);
            case Paused _ -> step(new Ended("cancelled", ""), Effect.CLOSE, Effect.ANNOUNCE, Effect.RUN_GUEST);
            case Finishing _, Waiting _ -> failed(HUNG_UP);
            case Cancelling _, Ended _ -> step(state);
        };
    }

    private static Step cancelling(State state, Event event) {
        return switch (event) {
            case Broke _, SetUp _, PartSent _, AllSent _, Connected _ ->
                step(new Ended("cancelled", ""), Effect.THAW, Effect.CLOSE, Effect.ANNOUNCE, Effect.RUN_GUEST);
            case Continued _, Answered _, AnswerLost _, Cancelled _ -> step(state);
        };
    }

    private static Step failed(String reason) {
        return step(new Ended("failed", reason), Effect.THAW, Effect.CLOSE, Effect.ANNOUNCE, Effect.RUN_GUEST);
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
