package dev.dray.vmm.qemu;

import static dev.dray.vmm.qemu.CaptureEvent.*;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureReport.PhaseTime;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Hook;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.Threads;
import dev.dray.vmm.qemu.CaptureCourse.State;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Drives one capture along [CaptureCourse]: turns what QEMU, the stream, the user's command and the
/// clock say into events, and carries out the effects.
///
/// Threads: the caller's runs the loop; the stream, the user's command and the commit have threads of
/// their own and only post events.
final class QemuCapture {
    /// The longest downtime QEMU can be given: it stops its guest at once.
    private static final long DOWNTIME_LIMIT_MS_MAX = 2_000_000;

    /// More events than any capture has waiting: QEMU sends about ten in all.
    private static final int EVENTS_MAX = 1024;

    private final QmpClient qmp;
    private final QemuFacts facts;
    private final CaptureChoice choice;
    private final CaptureOrder order;
    private final MigrationSettings settings;
    private final CaptureStore store;
    private final OperationWatch watch;
    private final CaptureStream stream;
    private final QemuProcess process;
    private final BlockingQueue<CaptureEvent> events = new ArrayBlockingQueue<>(EVENTS_MAX);
    private final List<PhaseTime> phases = new ArrayList<>();
    private final long started = System.nanoTime();
    private long phaseStarted = started;
    private long streamDeadline = Long.MAX_VALUE;
    /// In which state the course was last told that the user wants to stop: some cannot do anything about it.
    private @Nullable Class<? extends State> toldCancelledIn;
    private volatile long resumedMicros;
    private volatile Optional<String> hookId = Optional.empty();
    private volatile @Nullable Thread storing;
    private volatile @Nullable Thread hooking;
    private long received;

    QemuCapture(
            QmpClient qmp,
            QemuFacts facts,
            CaptureChoice choice,
            CaptureOrder order,
            MigrationSettings settings,
            CaptureStore store,
            OperationWatch watch,
            PrivateSocket socket,
            QemuProcess process)
            throws MachineException {
        this.qmp = qmp;
        this.facts = facts;
        this.choice = choice;
        this.order = order;
        this.settings = settings;
        this.store = store;
        this.watch = watch;
        this.process = process;
        this.stream = new CaptureStream(socket, choice.plan(), facts, store, this::post);
    }

    /// Runs the capture to its end. The guest is as it was, or where the order wants it, when this returns.
    CaptureReport run() throws GuestException {
        qmp.listen(this::onQmp);
        var step = CaptureCourse.begin(choice.plan());
        State state;
        try {
            perform(step);
            state = loop(step.state());
        } finally {
            stream.close();
            endHook();
            stream.join();
            Threads.joinInterruptibly(storing);
        }
        return switch (state) {
            case State.Done(var guest, var whereabouts) ->
                new CaptureReport(
                        choice.plan().mode(), choice.reason(), whereabouts, guest.pauseMicros() / 1000.0, phases);
            case State.Failed failed -> throw new GuestException(failed.reason(), failed.whereabouts());
            default -> throw new IllegalStateException("a capture ended in " + state);
        };
    }

    private State loop(State first) {
        State state = first;
        long entered = System.nanoTime();
        while (!(state instanceof State.Done || state instanceof State.Failed)) {
            CaptureEvent event = nextEvent(state, entered);
            if (event == null) {
                continue;
            }
            var step = CaptureCourse.next(choice.plan(), state, event);
            if (step.state().getClass() != state.getClass()) {
                entered = System.nanoTime();
                phaseOver(state, step.state());
            }
            state = step.state();
            perform(step);
        }
        return state;
    }

    /// The next event, or null after a while in which nothing happened.
    private @Nullable CaptureEvent nextEvent(State state, long entered) {
        try {
            CaptureEvent event = events.poll(100, TimeUnit.MILLISECONDS);
            if (event != null) {
                return event instanceof QemuLost
                        ? new QemuLost(process.isGone(Duration.ofSeconds(2)))
                        : isOfItsEnd(event, state) ? null : event;
            }
        } catch (InterruptedException e) {
            return cancelled(state);
        }
        if (watch.cancelled() && toldCancelledIn != state.getClass()) {
            return cancelled(state);
        }
        long now = System.nanoTime();
        if (state instanceof State.Streaming streaming && now - streamDeadline > 0) {
            streamDeadline = deadline(now);
            return isLimited(streaming) || !hasReceived() ? new TimeUp() : null;
        }
        Optional<Duration> patience = CaptureCourse.patience(state);
        if (patience.isPresent() && now - entered > patience.get().toNanos()) {
            return new PatienceEnded(statusNow());
        }
        return null;
    }

    /// Whether QEMU says this only because it ends: it cancels its migration first. All of a guest that is
    /// being stored is here, and the snapshot is then the only copy; that QEMU is lost is told next.
    private boolean isOfItsEnd(CaptureEvent event, State state) {
        return state instanceof State.Storing
                && order.after() != AfterCapture.RESUME
                && (event instanceof MigrationStatus || event instanceof GuestResumed)
                && statusNow().isEmpty();
    }

    private Cancelled cancelled(State state) {
        toldCancelledIn = state.getClass();
        return new Cancelled(new InterruptedOperation("Interrupted; nothing of the capture is kept", ""));
    }

    private String statusNow() {
        try {
            return QemuFacts.status(qmp);
        } catch (PeerException e) {
            return "";
        }
    }

    private void onQmp(QmpEvent event) {
        switch (event.name()) {
            case "STOP" -> post(new GuestStopped(event.micros()));
            case "RESUME" -> {
                if (resumedMicros == 0) {
                    resumedMicros = event.micros();
                }
                stream.guestRunsOn();
                post(new GuestResumed(event.micros()));
            }
            case "MIGRATION" -> {
                String status = event.data().path("status").asString("");
                if (CaptureCourse.isOver(status)) {
                    stream.leaveToQemu();
                }
                post(new MigrationStatus(status));
            }
            case QmpEvent.CONNECTION_LOST -> post(new QemuLost(false));
            default -> {}
        }
    }

    private void post(CaptureEvent event) {
        if (!events.offer(event)) {
            throw new IllegalStateException("more than " + EVENTS_MAX + " events wait");
        }
    }

    private void perform(CaptureCourse.Step step) {
        for (CaptureEffect effect : step.effects()) {
            try {
                perform(effect, step.state());
            } catch (DrayException e) {
                onFailedEffect(effect, e);
            }
        }
    }

    private void perform(CaptureEffect effect, State after) throws DrayException {
        switch (effect) {
            case START_MIGRATION -> startMigration();
            case STOP_GUEST -> {
                settings.markStopped();
                qmp.execute("stop");
            }
            case CONTINUE_GUEST -> {
                qmp.execute("cont");
                settings.markContinued();
            }
            case RUN_HOOK -> runHook();
            case RAISE_DOWNTIME_LIMIT -> {
                watch.phase("stopping the guest: the time limit is over");
                var limit = JsonMapper.shared().createObjectNode();
                qmp.execute("migrate-set-parameters", limit.put("downtime-limit", DOWNTIME_LIMIT_MS_MAX));
            }
            case REFUSE_STREAM -> stream.refuse();
            case ACCEPT_STREAM -> stream.accept();
            case STORE -> startStoring(((State.Storing) after).guest());
            case ABANDON_STORE -> {
                Thread thread = storing;
                if (thread != null) {
                    thread.interrupt();
                }
            }
            case QUIT_QEMU -> qmp.execute("quit");
        }
    }

    private void startMigration() throws DrayException {
        watch.phase("reading memory (" + choice.plan().mode().word() + ")");
        streamDeadline = deadline(System.nanoTime());
        stream.start();
        var arguments = JsonMapper.shared().createObjectNode().put("uri", stream.uri());
        if (qmp.ask("migrate", arguments) instanceof QmpReply.Refused(var reason)) {
            String sentence = "QEMU cannot migrate this VM: " + reason;
            String wayOut = CaptureChoice.wayOut(reason);
            throw choice.plan().hook() && !choice.plan().returnPath()
                    ? new PeerException(sentence, wayOut) // the user's command has done its work already
                    : new RefusedException(sentence, wayOut);
        }
    }

    /// What it means that QEMU did not do what it was told.
    private void onFailedEffect(CaptureEffect effect, DrayException failure) {
        switch (effect) {
            case START_MIGRATION -> {
                post(new StreamBroke(failure));
                post(new MigrationStatus("failed"));
            }
            case RUN_HOOK -> post(new HookFailed(failure));
            case STORE -> post(new StoreFailed(failure));
            case STOP_GUEST, CONTINUE_GUEST, RAISE_DOWNTIME_LIMIT -> post(new Cancelled(failure));
            case REFUSE_STREAM, ACCEPT_STREAM, ABANDON_STORE, QUIT_QEMU -> {
                // QEMU is gone or going; its own events say where the guest is.
            }
        }
    }

    private void runHook() {
        watch.phase("running the --on-pause command");
        String command = order.onPause().orElseThrow();
        hooking = Thread.ofPlatform().name("on-pause").start(() -> {
            try {
                hookId = Optional.of(Hook.run(command, process.controlSocket().toString(), Hook.TIME_LIMIT));
                post(new HookEnded());
            } catch (DrayException e) {
                post(new HookFailed(e));
            }
        });
    }

    private void startStoring(CaptureCourse.Guest guest) {
        watch.phase("storing");
        List<PhaseTime> over = List.copyOf(phases);
        storing = Thread.ofPlatform().name("store").start(() -> {
            try {
                store.commit(captured().timed(pauseMs(guest), over));
                post(new Stored());
            } catch (DrayException e) {
                post(new StoreFailed(e));
            } catch (RuntimeException | Error e) {
                post(new StoreFailed(
                        new MachineException("A defect in Dray stopped the capture: " + e, "report it", e)));
            }
        });
    }

    /// Only a live capture that has not been told to end is limited in all: it may go on for ever.
    /// Where memory comes once, the limit is how long nothing may come.
    private boolean isLimited(State.Streaming streaming) {
        return choice.plan().mode() == CaptureMode.LIVE && !streaming.raised();
    }

    /// Whether anything has come since this was asked last.
    private boolean hasReceived() {
        long before = received;
        received = stream.receivedBytes();
        return received != before;
    }

    private long deadline(long from) {
        return from + TimeUnit.NANOSECONDS.convert(order.timeLimit());
    }

    /// Whatever the user's command does when the capture is over, it does on a guest that runs.
    private void endHook() {
        Thread thread = hooking;
        if (thread != null) {
            thread.interrupt();
            Threads.joinInterruptibly(thread);
        }
    }

    private CapturedMachine captured() throws DrayException {
        // The guest's first step after it was captured: until then its disks were as its memory knows them.
        long micros = resumedMicros;
        Instant taken = micros == 0 ? Instant.now() : Instant.ofEpochSecond(0, micros * 1000);
        return MachineFacts.captured(taken, facts, process, choice.plan().mode(), stream.captured(), hookId);
    }

    private static OptionalDouble pauseMs(CaptureCourse.Guest guest) {
        return guest.stands() || guest.pauseMicros() == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(guest.pauseMicros() / 1000.0);
    }

    /// What the outcome calls the time spent in a state; `other` is not told.
    static String phaseName(State state) {
        return switch (state) {
            case State.Streaming _ -> "memory";
            case State.Hooking _ -> "on-pause";
            case State.Resuming _ -> "resume";
            case State.Storing _ -> "store";
            case State.Accepting _ -> "release";
            case State.Quitting _ -> "quit";
            case State.Stopping _, State.Recovering _, State.Done _, State.Failed _ -> "other";
        };
    }

    private void phaseOver(State before, State after) {
        String name = phaseName(before);
        long now = System.nanoTime();
        if (!name.equals("other") && !(after instanceof State.Recovering)) {
            phases.add(new PhaseTime(name, (now - phaseStarted) / 1e6));
        }
        phaseStarted = now;
    }

    /// Parameters and capabilities that the plan needs.
    static ObjectNode parameters(CapturePlan plan, CaptureOrder order) {
        var wanted = JsonMapper.shared().createObjectNode();
        wanted.put("max-bandwidth", order.bytesPerSecond().orElse(0));
        switch (plan.mode()) {
            case STOP -> wanted.put("downtime-limit", DOWNTIME_LIMIT_MS_MAX);
            case LIVE -> wanted.put("downtime-limit", order.downtimeLimit().toMillis());
            case AUTO, BACKGROUND -> {}
        }
        wanted.put("tls-creds", "");
        wanted.put("mode", "normal");
        return wanted;
    }
}
