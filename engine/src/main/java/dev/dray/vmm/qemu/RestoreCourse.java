package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.vmm.Whereabouts;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The course of an eager restore as a function of (state, event): no sockets, threads or clocks.
///
/// Invariant: [State.Done] only after QEMU itself has said `completed` and what it says of the guest has been asked
/// for.
final class RestoreCourse {
    /// A QEMU that takes guests at all takes a batch of pages in less than a second.
    private static final Duration SENDING_PATIENCE = Duration.ofSeconds(60);

    private RestoreCourse() {}

    sealed interface Event {
        /// QEMU's incoming migration changed its status.
        record MigrationStatus(String status) implements Event {}

        /// All of the stream was written and ended.
        record StreamSent() implements Event {}

        /// The stream could not be written, or its pages not be read.
        record StreamBroke(DrayException reason) implements Event {}

        /// QEMU answered what it thinks of the guest.
        record StatusSeen(String status) implements Event {}

        /// QEMU refused to run the guest, for this reason.
        record ContinueRefused(String reason) implements Event {}

        /// QEMU's reason for a failed migration, in its own words; empty if it gives none.
        record ReasonSeen(String reason) implements Event {}

        record Cancelled(DrayException reason) implements Event {}

        record QemuLost(boolean processGone) implements Event {}

        record PatienceEnded() implements Event {}
    }

    enum Effect {
        /// Close the connection to QEMU.
        CLOSE_STREAM,
        /// Ask for the guest's status; answers with StatusSeen.
        ASK_STATUS,
        /// QMP `cont`: the guest ran when it was captured, but its state was taken while it stood still.
        CONTINUE_GUEST,
        /// Ask why the migration failed; answers with ReasonSeen.
        ASK_REASON
    }

    sealed interface State {
        /// Memory and devices are on their way. `completed`: QEMU is already done with them.
        record Sending(boolean completed) implements State {}

        /// All is sent; QEMU loads the devices.
        record Loading() implements State {}

        /// QEMU has loaded everything; where is the guest? `continued`: it was told to run.
        record Settling(boolean continued) implements State {}

        /// Something failed; QEMU is asked for its reason.
        record Failing(DrayException reason) implements State {}

        record Done(Whereabouts guest) implements State {}

        record Failed(DrayException reason, Whereabouts guest) implements State {}
    }

    record Step(State state, List<Effect> effects) {}

    static State begin() {
        return new State.Sending(false);
    }

    /// @param runs whether the guest is to run in the end
    static Step next(boolean runs, State state, Event event) {
        return switch (state) {
            case State.Done _, State.Failed _ -> step(state);
            case State.Sending s -> sending(s, event);
            case State.Loading s -> loading(s, event);
            case State.Settling s -> settling(runs, s, event);
            case State.Failing s -> failing(s, event);
        };
    }

    private static Step sending(State.Sending s, Event event) {
        return switch (event) {
            case Event.StreamSent _ when s.completed -> step(new State.Settling(false), Effect.ASK_STATUS);
            case Event.StreamSent _ -> step(new State.Loading());
            case Event.MigrationStatus(var word) when word.equals("completed") -> step(new State.Sending(true));
            case Event.PatienceEnded _ ->
                fail(new PeerException(
                        "Nothing of the guest went to QEMU for " + SENDING_PATIENCE.toSeconds() + " s", START_AGAIN));
            default -> anywhere(s, event);
        };
    }

    private static Step loading(State.Loading s, Event event) {
        return switch (event) {
            case Event.MigrationStatus(var word)
            when word.equals("completed") -> step(new State.Settling(false), Effect.ASK_STATUS);
            case Event.PatienceEnded _ ->
                fail(new PeerException("QEMU did not finish loading the guest in time", "see its log"));
            default -> anywhere(s, event);
        };
    }

    private static Step settling(boolean runs, State.Settling s, Event event) {
        return switch (event) {
            case Event.StatusSeen(var word) when word.equals("inmigrate") -> step(s, Effect.ASK_STATUS);
            case Event.StatusSeen(var word) when word.equals("running") -> step(new State.Done(Whereabouts.RUNNING));
            case Event.StatusSeen _
            when runs && !s.continued -> step(new State.Settling(true), Effect.CONTINUE_GUEST, Effect.ASK_STATUS);
            case Event.StatusSeen _ -> step(new State.Done(Whereabouts.PAUSED));
            case Event.ContinueRefused(var reason) ->
                step(new State.Failed(
                        new PeerException(
                                "QEMU loaded the guest but does not run it: " + reason,
                                "remove what QEMU names (a disk may be in use by another process), then cont"),
                        Whereabouts.PAUSED));
            case Event.PatienceEnded _ ->
                fail(new PeerException(
                        "QEMU loaded the guest but did not start it; its reason is on its standard error (a disk may"
                                + " be in use by another process)",
                        "remove what QEMU names, then " + START_AGAIN));
            case Event.StreamBroke _ -> step(s);
            default -> anywhere(s, event);
        };
    }

    /// What is the same in every state before the end.
    private static Step anywhere(State s, Event event) {
        return switch (event) {
            case Event.MigrationStatus(var status)
            when CaptureCourse.isFailure(status) ->
                fail(new PeerException("QEMU could not take the guest", START_AGAIN));
            case Event.StreamBroke(var why) -> fail(why);
            case Event.Cancelled(var why) -> fail(why);
            case Event.QemuLost(boolean gone) -> lost(gone, Optional.empty());
            default -> step(s);
        };
    }

    private static Step failing(State.Failing s, Event event) {
        return switch (event) {
            case Event.ReasonSeen(var word)
            when word.equals("") -> step(new State.Failed(s.reason, Whereabouts.UNKNOWN));
            case Event.ReasonSeen(var reason) ->
                step(new State.Failed(
                        s.reason instanceof PeerException
                                ? new PeerException("QEMU could not take the guest: " + reason, START_AGAIN, s.reason)
                                : s.reason,
                        Whereabouts.UNKNOWN));
            // That QEMU ended tells more than that its connection broke; that it no longer answers tells less.
            case Event.QemuLost(boolean gone) ->
                lost(gone, gone && s.reason instanceof PeerException ? Optional.empty() : Optional.of(s.reason));
            case Event.PatienceEnded _ -> step(new State.Failed(s.reason, Whereabouts.UNKNOWN));
            default -> step(s);
        };
    }

    private static final String START_AGAIN =
            "start QEMU again with -incoming defer: one process takes one migration only; the snapshot is untouched";

    private static Step lost(boolean gone, Optional<DrayException> first) {
        DrayException why = first.orElseGet(() -> new PeerException(
                gone
                        ? "QEMU ended while it took the guest; its reason is on its standard error"
                        : "QEMU closed its control connection while it took the guest",
                START_AGAIN));
        return step(new State.Failed(why, gone ? Whereabouts.GONE : Whereabouts.UNKNOWN), Effect.CLOSE_STREAM);
    }

    private static Step fail(DrayException why) {
        return step(new State.Failing(why), Effect.CLOSE_STREAM, Effect.ASK_REASON);
    }

    /// How long a state may last; in [State.Sending] from the last pages that were taken.
    static Optional<Duration> patience(State state) {
        return switch (state) {
            case State.Done _, State.Failed _ -> Optional.empty();
            case State.Sending _ -> Optional.of(SENDING_PATIENCE);
            case State.Loading _ -> Optional.of(Duration.ofSeconds(60));
            case State.Settling _, State.Failing _ -> Optional.of(Duration.ofSeconds(10));
        };
    }

    private static Step step(State state, Effect... effects) {
        return new Step(state, List.of(effects));
    }
}
