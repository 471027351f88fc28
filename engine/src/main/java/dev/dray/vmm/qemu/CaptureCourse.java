package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.qemu.CaptureEvent.*;
import java.util.List;
import java.util.Optional;

/// The course of a capture as a function of (state, event): no sockets, threads or clocks. A driver
/// feeds it events and carries out its effects.
///
/// Invariants: [CaptureEffect#ACCEPT_STREAM] comes only after [Stored]; with `--after resume` it never
/// comes, and the guest is let run before anything else is stored; every failure before [Stored] ends
/// in [Failed] with the guest as it was.
final class CaptureCourse {
    private CaptureCourse() {}

    /// What is known of the guest so far.
    ///
    /// @param stands whether it stands still
    /// @param stoppedMicros QEMU's time when it was stopped last; 0 if never
    /// @param pauseMicros how long it has stood still in all
    /// @param over whether QEMU says that its migration has ended
    /// @param held whether Dray itself has stopped it and must continue it
    /// @param lost where it is since QEMU can no longer be asked
    record Guest(
            boolean stands,
            long stoppedMicros,
            long pauseMicros,
            boolean over,
            boolean held,
            Optional<Whereabouts> lost) {
        Guest stopped(long micros) {
            return new Guest(true, micros, pauseMicros, over, held, lost);
        }

        Guest resumed(long micros) {
            long pause = stands && stoppedMicros > 0 ? Math.max(0, micros - stoppedMicros) : 0;
            return new Guest(false, stoppedMicros, pauseMicros + pause, over, false, lost);
        }

        Guest ended() {
            return new Guest(stands, stoppedMicros, pauseMicros, true, held, lost);
        }

        Guest holding() {
            return new Guest(stands, stoppedMicros, pauseMicros, over, true, lost);
        }

        Guest letGo() {
            return new Guest(stands, stoppedMicros, pauseMicros, over, false, lost);
        }

        Guest lost(boolean gone) {
            return new Guest(
                    stands,
                    stoppedMicros,
                    pauseMicros,
                    over,
                    held,
                    Optional.of(gone ? Whereabouts.GONE : Whereabouts.UNKNOWN));
        }
    }

    sealed interface State {
        Guest guest();

        /// Dray stops the guest itself, for a command before a background capture.
        record Stopping(Guest guest) implements State {}

        /// The user's command runs on a standing guest. `before` the migration (background), or after
        /// the stream.
        record Hooking(Guest guest, boolean before) implements State {}

        /// Memory and devices arrive. `raised`: QEMU was told to stop the guest whatever the downtime.
        record Streaming(Guest guest, boolean raised) implements State {}

        /// The stream was refused so that QEMU runs the guest on; then the snapshot is stored.
        record Resuming(Guest guest) implements State {}

        /// The snapshot is being committed.
        record Storing(Guest guest) implements State {}

        /// QEMU was told that all is safe, and lets the guest go.
        record Accepting(Guest guest) implements State {}

        /// QEMU was told to quit.
        record Quitting(Guest guest) implements State {}

        /// Something failed; waits until the guest is as it was.
        record Recovering(Guest guest, DrayException reason) implements State {}

        record Done(Guest guest, Whereabouts whereabouts) implements State {}

        record Failed(Guest guest, DrayException reason, Whereabouts whereabouts) implements State {}
    }

    /// What comes of one event.
    record Step(State state, List<CaptureEffect> effects) {}

    static Step begin(CapturePlan plan) {
        var guest = new Guest(!plan.guestRuns(), 0, 0, false, false, Optional.empty());
        if (plan.mode() == CaptureMode.BACKGROUND && plan.hook()) {
            return step(new State.Stopping(guest.holding()), CaptureEffect.STOP_GUEST);
        }
        return step(new State.Streaming(guest, false), CaptureEffect.START_MIGRATION);
    }

    static Step next(CapturePlan plan, State state, CaptureEvent event) {
        return switch (state) {
            case State.Done _, State.Failed _ -> step(state);
            case State.Stopping s -> stopping(plan, s, event);
            case State.Hooking s -> hooking(plan, s, event);
            case State.Streaming s -> streaming(plan, s, event);
            case State.Resuming s -> resuming(plan, s, event);
            case State.Storing s -> storing(plan, s, event);
            case State.Accepting s -> accepting(plan, s, event);
            case State.Quitting s -> quitting(s, event);
            case State.Recovering s -> recovering(plan, s, event);
        };
    }

    private static Step stopping(CapturePlan plan, State.Stopping s, CaptureEvent event) {
        return switch (event) {
            case GuestStopped(long at) -> step(new State.Hooking(s.guest.stopped(at), true), CaptureEffect.RUN_HOOK);
            case GuestResumed(long at) ->
                step(new State.Stopping(s.guest.resumed(at).holding()));
            case Cancelled(var why) -> recover(plan, s.guest.ended(), why, CaptureEffect.CONTINUE_GUEST);
            case PatienceEnded _ ->
                recover(plan, s.guest.ended(), late("did not stop the guest"), CaptureEffect.CONTINUE_GUEST);
            case QemuLost(boolean gone) -> lost(s.guest, gone);
            default -> step(s);
        };
    }

    private static Step hooking(CapturePlan plan, State.Hooking s, CaptureEvent event) {
        return switch (event) {
            case HookEnded _ ->
                s.before
                        ? step(new State.Streaming(s.guest, false), CaptureEffect.START_MIGRATION)
                        : streamTaken(plan, s.guest);
            case HookFailed(var why) -> hookFailed(plan, s, why);
            case Cancelled(var why) -> hookFailed(plan, s, why);
            case StreamBroke(var why) -> s.before ? step(s) : hookFailed(plan, s, why);
            case MigrationStatus(var status)
            when !s.before && isFailure(status) ->
                hookFailed(plan, new State.Hooking(s.guest.ended(), false), ended(status));
            case GuestResumed(long at)
            when !s.before -> hookFailed(plan, new State.Hooking(s.guest.resumed(at), false), ranOn());
            case GuestResumed(long at) -> hookFailed(plan, new State.Hooking(s.guest.resumed(at), true), ranOn());
            case QemuLost(boolean gone) -> lost(s.guest, gone);
            default -> step(s);
        };
    }

    private static Step hookFailed(CapturePlan plan, State.Hooking s, DrayException why) {
        return s.before
                ? recover(plan, s.guest.ended(), why, CaptureEffect.CONTINUE_GUEST)
                : recover(plan, s.guest, why, CaptureEffect.REFUSE_STREAM);
    }

    private static Step streaming(CapturePlan plan, State.Streaming s, CaptureEvent event) {
        return switch (event) {
            case GuestStopped(long at) -> step(new State.Streaming(s.guest.stopped(at), s.raised));
            case GuestResumed(long at) -> step(new State.Streaming(s.guest.resumed(at), s.raised));
            case FirstPage _
            when s.guest.held && s.guest.stands ->
                step(new State.Streaming(s.guest.letGo(), s.raised), CaptureEffect.CONTINUE_GUEST);
            case StreamEnded _
            when plan.hook() && plan.returnPath() -> step(new State.Hooking(s.guest, false), CaptureEffect.RUN_HOOK);
            case StreamEnded _ -> streamTaken(plan, s.guest);
            case StreamBroke(var why) -> giveUp(plan, s.guest, why);
            case Cancelled(var why) -> giveUp(plan, s.guest, why);
            case TimeUp _
            when plan.mode() == CaptureMode.LIVE && plan.stopWhenTimeUp() && !s.raised ->
                step(new State.Streaming(s.guest, true), CaptureEffect.RAISE_DOWNTIME_LIMIT);
            case TimeUp _ -> giveUp(plan, s.guest, timeUp(plan, s.raised));
            case MigrationStatus(var status) when isFailure(status) -> giveUp(plan, s.guest.ended(), ended(status));
            case MigrationStatus(var word)
            when word.equals("completed") -> step(new State.Streaming(s.guest.ended(), s.raised));
            case QemuLost(boolean gone) -> lost(s.guest, gone);
            default -> step(s);
        };
    }

    private static Step giveUp(CapturePlan plan, Guest guest, DrayException why) {
        return guest.held
                ? recover(plan, guest, why, CaptureEffect.REFUSE_STREAM, CaptureEffect.CONTINUE_GUEST)
                : recover(plan, guest, why, CaptureEffect.REFUSE_STREAM);
    }

    /// Every byte is here. A guest that is to go on runs first; one that is to end waits until it is stored.
    private static Step streamTaken(CapturePlan plan, Guest guest) {
        if (plan.returnPath() && plan.after() == AfterCapture.RESUME) {
            return plan.guestRuns()
                    ? step(new State.Resuming(guest), CaptureEffect.REFUSE_STREAM)
                    : step(new State.Storing(guest), CaptureEffect.REFUSE_STREAM, CaptureEffect.STORE);
        }
        return step(new State.Storing(guest), CaptureEffect.STORE);
    }

    private static Step resuming(CapturePlan plan, State.Resuming s, CaptureEvent event) {
        return switch (event) {
            case GuestStopped(long at) -> step(new State.Resuming(s.guest.stopped(at)));
            case GuestResumed(long at) -> step(new State.Storing(s.guest.resumed(at)), CaptureEffect.STORE);
            case MigrationStatus(var status) when isOver(status) -> step(new State.Resuming(s.guest.ended()));
            case PatienceEnded(var word)
            when word.equals("running") -> step(new State.Storing(s.guest.resumed(0)), CaptureEffect.STORE);
            case PatienceEnded _ ->
                recover(plan, s.guest.ended(), late("did not run the guest on"), CaptureEffect.CONTINUE_GUEST);
            case QemuLost(boolean gone) -> step(new State.Storing(s.guest.lost(gone)), CaptureEffect.STORE);
            default -> step(s);
        };
    }

    private static Step storing(CapturePlan plan, State.Storing s, CaptureEvent event) {
        boolean waits = plan.returnPath() && plan.after() != AfterCapture.RESUME;
        return switch (event) {
            case Stored _
            when waits && s.guest.lost.isPresent() ->
                step(new State.Done(s.guest, s.guest.lost.get()), CaptureEffect.ACCEPT_STREAM);
            case Stored _ when waits -> step(new State.Accepting(s.guest), CaptureEffect.ACCEPT_STREAM);
            case Stored _ -> step(new State.Done(s.guest, whereabouts(s.guest)));
            case StoreFailed(var why)
            when waits && s.guest.lost.isEmpty() -> recover(plan, s.guest, why, CaptureEffect.REFUSE_STREAM);
            case StoreFailed(var why) -> step(new State.Failed(s.guest, why, whereabouts(s.guest)));
            case StreamBroke(var why)
            when waits -> recover(plan, s.guest, why, CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE);
            case Cancelled(var why)
            when waits && s.guest.lost.isEmpty() ->
                recover(plan, s.guest, notLetGo(why), CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE);
            case Cancelled _ -> step(s, CaptureEffect.ABANDON_STORE);
            case GuestStopped(long at) -> step(new State.Storing(s.guest.stopped(at)));
            // It goes on here, and its image is behind it: QEMU must not be told that it may end.
            case GuestResumed(long at)
            when waits ->
                recover(
                        plan,
                        s.guest.resumed(at),
                        s.guest.over ? ended("failed") : ranOn(),
                        CaptureEffect.REFUSE_STREAM,
                        CaptureEffect.ABANDON_STORE);
            case GuestResumed(long at) -> step(new State.Storing(s.guest.resumed(at)));
            // A guest that stood still before does not run on then, but QEMU takes no word about it any more either.
            case MigrationStatus(var status)
            when waits && (isFailure(status) || status.equals("cancelling")) ->
                recover(
                        plan,
                        isFailure(status) ? s.guest.ended() : s.guest,
                        ended(status),
                        CaptureEffect.REFUSE_STREAM,
                        CaptureEffect.ABANDON_STORE);
            case MigrationStatus(var status) when isOver(status) -> step(new State.Storing(s.guest.ended()));
            // All of the guest is here, and nobody else may have it any more: the snapshot is all the more needed.
            case QemuLost(boolean gone) -> step(new State.Storing(s.guest.lost(gone)));
            default -> step(s);
        };
    }

    private static Step accepting(CapturePlan plan, State.Accepting s, CaptureEvent event) {
        return switch (event) {
            case MigrationStatus(var word)
            when word.equals("completed") && plan.after() == AfterCapture.QUIT ->
                step(new State.Quitting(s.guest.ended()), CaptureEffect.QUIT_QEMU);
            case MigrationStatus(var word)
            when word.equals("completed") -> step(new State.Done(s.guest.ended(), Whereabouts.PAUSED));
            case MigrationStatus(var status)
            when isFailure(status) -> recover(plan, s.guest.ended(), keptRunning(), CaptureEffect.REFUSE_STREAM);
            case GuestResumed(long at) ->
                recover(plan, s.guest.resumed(at).ended(), keptRunning(), CaptureEffect.REFUSE_STREAM);
            case PatienceEnded _ -> recover(plan, s.guest, keptRunning(), CaptureEffect.REFUSE_STREAM);
            case QemuLost(boolean gone) -> step(new State.Done(s.guest, gone ? Whereabouts.GONE : Whereabouts.UNKNOWN));
            default -> step(s);
        };
    }

    private static Step quitting(State.Quitting s, CaptureEvent event) {
        return switch (event) {
            case QemuLost _ -> step(new State.Done(s.guest, Whereabouts.GONE));
            case PatienceEnded _ -> step(new State.Done(s.guest, Whereabouts.PAUSED));
            default -> step(s);
        };
    }

    private static Step recovering(CapturePlan plan, State.Recovering s, CaptureEvent event) {
        return switch (event) {
            case GuestStopped(long at) -> step(new State.Recovering(s.guest.stopped(at), s.reason));
            case GuestResumed(long at) -> settled(plan, new State.Recovering(s.guest.resumed(at), s.reason));
            case MigrationStatus(var status)
            when isOver(status) -> settled(plan, new State.Recovering(s.guest.ended(), s.reason));
            // QEMU stops a guest itself for a background capture, and leaves it so if it fails right then.
            case PatienceEnded(var status)
            when status.equals("paused") && plan.guestRuns() && !s.guest.held ->
                step(new State.Recovering(s.guest.ended().holding(), s.reason), CaptureEffect.CONTINUE_GUEST);
            case PatienceEnded(var status) -> step(new State.Failed(s.guest, s.reason, fromStatus(status)));
            case QemuLost(boolean gone) ->
                step(new State.Failed(s.guest, s.reason, gone ? Whereabouts.GONE : Whereabouts.UNKNOWN));
            default -> step(s);
        };
    }

    private static Step settled(CapturePlan plan, State.Recovering s) {
        return isAsItWas(plan, s.guest) ? step(new State.Failed(s.guest, s.reason, whereabouts(s.guest))) : step(s);
    }

    private static boolean isAsItWas(CapturePlan plan, Guest guest) {
        return guest.over && plan.guestRuns() != guest.stands;
    }

    /// Where nothing is left to wait for, since QEMU has let the guest run on before it said that its migration has
    /// failed, this is the end.
    private static Step recover(CapturePlan plan, Guest guest, DrayException why, CaptureEffect... effects) {
        List<CaptureEffect> all = List.of(effects);
        boolean done = isAsItWas(plan, guest) && !all.contains(CaptureEffect.CONTINUE_GUEST);
        return new Step(
                done ? new State.Failed(guest, why, whereabouts(guest)) : new State.Recovering(guest, why), all);
    }

    private static Step lost(Guest guest, boolean gone) {
        var why = new PeerException(
                gone
                        ? "QEMU ended while its guest was being captured"
                        : "QEMU closed its control connection during the capture",
                gone ? "see QEMU's own log; nothing of the capture is kept" : "see whether QEMU still runs");
        return new Step(
                new State.Failed(guest, why, gone ? Whereabouts.GONE : Whereabouts.UNKNOWN),
                List.of(CaptureEffect.REFUSE_STREAM, CaptureEffect.ABANDON_STORE));
    }

    static Whereabouts fromStatus(String status) {
        return switch (status) {
            case "running" -> Whereabouts.RUNNING;
            case "" -> Whereabouts.UNKNOWN;
            default -> Whereabouts.PAUSED;
        };
    }

    private static Whereabouts whereabouts(Guest guest) {
        return guest.lost.orElse(guest.stands ? Whereabouts.PAUSED : Whereabouts.RUNNING);
    }

    static boolean isFailure(String status) {
        return status.equals("failed") || status.equals("cancelled");
    }

    static boolean isOver(String status) {
        return isFailure(status) || status.equals("completed");
    }

    private static DrayException ended(String status) {
        return new PeerException(
                "QEMU's migration " + (status.equals("failed") ? "failed" : "was cancelled") + " during the capture",
                "see QEMU's own log (query-migrate tells its reason)");
    }

    private static DrayException ranOn() {
        return new PeerException(
                "The guest ran on while it was to stand still: somebody continued it, or its migration broke off",
                "keep other clients from controlling it, and see QEMU's own log");
    }

    private static DrayException keptRunning() {
        return new PeerException(
                "The snapshot is complete, but QEMU did not let the guest go", "see query-migrate for its reason");
    }

    private static DrayException notLetGo(DrayException why) {
        return why instanceof InterruptedOperation
                ? new InterruptedOperation(
                        "Interrupted while the snapshot was stored; the guest was not let go",
                        "see dray list whether the snapshot was complete already",
                        why)
                : why;
    }

    private static DrayException late(String what) {
        return new PeerException("QEMU " + what + " in time", "see whether QEMU hangs, and query-status");
    }

    private static DrayException timeUp(CapturePlan plan, boolean raised) {
        return plan.mode() == CaptureMode.LIVE && !raised
                ? new PeerException(
                        "The guest changes its memory faster than it can be captured: the time limit is over",
                        "use --mode background or stop, --then stop, or a larger --downtime-limit or --time-limit")
                : new PeerException(
                        "QEMU sent nothing for as long as the time limit",
                        "see whether QEMU or the repository's disk hangs");
    }

    /// Which wait QEMU is given in this state before it counts as stuck; empty where something else bounds it.
    static Optional<java.time.Duration> patience(State state) {
        return switch (state) {
            case State.Stopping _, State.Resuming _, State.Recovering _ ->
                Optional.of(java.time.Duration.ofSeconds(15));
            case State.Accepting _, State.Quitting _ -> Optional.of(java.time.Duration.ofSeconds(60));
            case State.Hooking _, State.Streaming _, State.Storing _, State.Done _, State.Failed _ -> Optional.empty();
        };
    }

    private static Step step(State state, CaptureEffect... effects) {
        return new Step(state, List.of(effects));
    }
}
