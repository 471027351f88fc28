package dev.dray.machine.cloudhypervisor;

import dev.dray.machine.cloudhypervisor.SourceCourse.Event.*;
import dev.dray.machine.cloudhypervisor.SourceCourse.State.*;
import java.util.List;

/// The course of an outgoing migration as a function of (state, event): no sockets, threads or clocks. A driver carries
/// out the effects, in order; the last of them gives the next event.
///
/// Invariants: the guest is stopped by [Effect#PAUSE] only, and whatever happens then, exactly one of
/// [Effect#GIVE_BACK], [Effect#PRESERVE] and [Effect#END_VM] follows; after [Ended] nothing follows. Source: Cloud
/// Hypervisor, vmm/src/lib.rs, `send_migration` and `check_migration`.
final class SourceCourse {
    private SourceCourse() {}

    /// What the migration was told to be.
    ///
    /// @param isLocal memory is handed over as descriptors
    /// @param isPostcopy memory is fetched
    /// @param preserve the VM stays
    /// @param cancels whether the time limit ends the migration
    record Plan(boolean isLocal, boolean isPostcopy, boolean preserve, boolean cancels) {}

    sealed interface State {
        record Connecting() implements State {}

        record Greeting() implements State {}

        /// Descriptors are being sent.
        record HandingOver() implements State {}

        record Configuring() implements State {}

        /// Further connections are being opened.
        record Opening() implements State {}

        /// Memory is being sent while the guest runs.
        record Iterating() implements State {}

        /// The guest stands still; the rest is being sent.
        record Finishing() implements State {}

        /// The state of the devices is being sent.
        record Describing() implements State {}

        record Completing() implements State {}

        /// The guest runs elsewhere and fetches its memory.
        record Draining() implements State {}

        record Ended(boolean isDone, String reason) implements State {}
    }

    sealed interface Event {
        record Connected() implements Event {}

        /// The destination has said OK to what was sent last.
        record Accepted() implements Event {}

        /// It has said something else.
        record Refused() implements Event {}

        record Opened() implements Event {}

        /// Which memory is to be sent next.
        ///
        /// @param bytes how much
        /// @param estimateMs how long the guest would stand still for it, -1 as long as nothing was sent
        record Tabled(long bytes, long estimateMs, long downtimeMs, boolean timeIsUp) implements Event {}

        /// The destination has closed the connection on which it fetched memory.
        record Drained() implements Event {}

        /// Nothing can be sent any more.
        record Broke(String reason) implements Event {}
    }

    enum Effect {
        CONNECT,
        SEND_START,
        SEND_DESCRIPTORS,
        SEND_CONFIG,
        OPEN_WORKERS,
        OPEN_FAULT_CONNECTION,
        /// Find out which memory is next.
        TABLE,
        SEND_TABLE,
        /// Send what was written since, together with the table that is not sent yet.
        SEND_REST,
        SEND_STATE,
        SEND_COMPLETE,
        AWAIT_DRAIN,
        PAUSE,
        CLOSE,
        /// The VM is the VMM's again, and its guest does what it did before.
        GIVE_BACK,
        /// The VM is the VMM's again, and its guest stands still.
        PRESERVE,
        /// The guest has gone; the VMM ends.
        END_VM
    }

    record Step(State state, List<Effect> effects) {}

    static Step begin() {
        return step(new Connecting(), Effect.CONNECT);
    }

    static Step next(Plan plan, State state, Event event) {
        if (state instanceof Ended) {
            return step(state);
        }
        return switch (event) {
            case Refused _ -> failed("the destination has refused");
            case Broke(var reason) -> failed(reason);
            case Connected _ ->
                state instanceof Connecting ? step(new Greeting(), Effect.SEND_START) : unexpected(state, event);
            case Opened _ -> state instanceof Opening ? opened(plan) : unexpected(state, event);
            case Tabled tabled -> state instanceof Iterating ? tabled(plan, tabled) : unexpected(state, event);
            case Drained _ -> state instanceof Draining ? gone() : unexpected(state, event);
            case Accepted _ -> accepted(plan, state);
        };
    }

    private static Step accepted(Plan plan, State state) {
        return switch (state) {
            case Greeting _ ->
                plan.isLocal
                        ? step(new HandingOver(), Effect.SEND_DESCRIPTORS)
                        : step(new Configuring(), Effect.SEND_CONFIG);
            case HandingOver _ -> step(new Configuring(), Effect.SEND_CONFIG);
            case Configuring _ -> configured(plan);
            case Iterating _ -> step(new Iterating(), Effect.TABLE);
            case Finishing _ -> step(new Describing(), Effect.SEND_STATE);
            case Describing _ -> step(new Completing(), Effect.SEND_COMPLETE);
            case Completing _ -> completed(plan);
            case Connecting _, Opening _, Draining _, Ended _ -> unexpected(state, new Accepted());
        };
    }

    private static Step configured(Plan plan) {
        if (plan.isLocal) {
            return step(new Describing(), Effect.PAUSE, Effect.SEND_STATE);
        }
        return plan.isPostcopy
                ? step(new Opening(), Effect.PAUSE, Effect.OPEN_FAULT_CONNECTION)
                : step(new Opening(), Effect.OPEN_WORKERS);
    }

    private static Step opened(Plan plan) {
        return plan.isPostcopy ? step(new Describing(), Effect.SEND_STATE) : step(new Iterating(), Effect.TABLE);
    }

    private static Step tabled(Plan plan, Tabled tabled) {
        boolean isShortEnough = tabled.estimateMs >= 0 && tabled.estimateMs <= tabled.downtimeMs;
        if (tabled.bytes == 0 || isShortEnough) {
            return step(new Finishing(), Effect.PAUSE, Effect.SEND_REST);
        }
        if (tabled.timeIsUp) {
            return plan.cancels
                    ? failed("Precopy: Timeout reached: migration didn't converge in time")
                    : step(new Finishing(), Effect.PAUSE, Effect.SEND_REST);
        }
        return step(new Iterating(), Effect.SEND_TABLE);
    }

    private static Step completed(Plan plan) {
        if (plan.isPostcopy) {
            return step(new Draining(), Effect.AWAIT_DRAIN);
        }
        return plan.preserve ? step(new Ended(true, ""), Effect.CLOSE, Effect.PRESERVE) : gone();
    }

    private static Step gone() {
        return step(new Ended(true, ""), Effect.CLOSE, Effect.END_VM);
    }

    private static Step failed(String reason) {
        return step(new Ended(false, reason), Effect.CLOSE, Effect.GIVE_BACK);
    }

    private static Step unexpected(State state, Event event) {
        return failed(event + " in " + state);
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
