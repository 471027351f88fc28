package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.vmm.CaptureReport.PhaseTime;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.LazyReport;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Threads;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Effect;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Event;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Guest;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/// Drives one restore along [SenderCourse].
///
/// Threads: the caller's decides and writes on the main connection; `answers` reads it; `memory` waits for those that
/// fill memory before the guest's state is sent; a lazy guest has those of [LazyMemory]. All but the caller's post
/// events only. An interrupt of the caller's is a wish to stop, as a cancelled watch is, and is kept for later: nothing
/// that the VMM is in the middle of is cut short.
final class GuestSender {
    private static final int TICK_MS = 50;
    private static final int THREADS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 8);

    /// How long a VMM may take to answer what Dray waits for only to leave in good order.
    private static final Duration LEAVING_PATIENCE = Duration.ofSeconds(10);

    /// The same of what costs it nothing: a greeting, a file.
    private static final Duration ANSWER_PATIENCE = Duration.ofMinutes(1);

    /// The same of what is work: it makes a VM of the configuration, and may populate the memory of it; it restores
    /// each device, and lets the guest run.
    private static final Duration WORK_PATIENCE = Duration.ofMinutes(15);

    private static final Duration FOREVER = Duration.ofDays(36500);

    /// Has the VMM listen.
    interface Summons {
        void call() throws DrayException;
    }

    private final SendPlan plan;
    private final RestoreImage image;
    private final OperationWatch watch;
    private final Connector connector;
    private final Duration connectPatience;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final List<PhaseTime> phases = new ArrayList<>();
    private final EagerFill fill;
    private final List<Connection> pushes = new CopyOnWriteArrayList<>();
    private List<SlotFile> files = List.of();
    private @Nullable MainConnection main;
    private @Nullable LazyMemory lazy;
    private @Nullable Thread memory;
    private final int threads;
    private volatile boolean connected;
    private boolean interrupted;
    private boolean announced;
    private State state = SenderCourse.begin().state();
    private long entered = System.nanoTime();
    private long firstMessage;
    private long phaseBegan;
    private long resumed;

    /// @param connections over how many connections memory goes that cannot be handed over; 0 for as many as help
    /// @param connectPatience how long to wait until the VMM listens
    GuestSender(
            SendPlan plan,
            RestoreImage image,
            Endpoint endpoint,
            int connections,
            Duration connectPatience,
            OperationWatch watch) {
        this.threads = connections == 0 || plan.shared() ? THREADS : connections;
        this.plan = plan;
        this.image = image;
        this.watch = watch;
        this.connectPatience = connectPatience;
        // Once connected, nothing is cut short: the VMM may be in the middle of a message.
        this.connector = new Connector(endpoint, () -> !connected && isToStop());
        this.fill = new EagerFill(image, plan.eagerRegions(), watch);
    }

    /// @param vmm name and version of the VMM
    /// @param summons called once nothing but the VMM is waited for: one that listens answers nobody else, and
    ///     cannot be made to stop but by connecting
    RestoreReport run(String vmm, Summons summons) throws GuestException {
        State end;
        try {
            if (plan.shared()) {
                files = SlotFile.create(plan.slots(), plan.pageBytes());
            }
            if (plan.lazy()) {
                lazy = new LazyMemory(plan, image, files, watch);
                lazy.begin();
            }
            plan.warnings().forEach(watch::warning);
            watch.phase("sending memory");
            rehearse();
            summons.call();
            Connection connection = connector.connect(connectPatience);
            connected = true;
            main = new MainConnection(connection, events::add);
            firstMessage = System.nanoTime();
            phaseBegan = firstMessage;
            if (plan.eagerRegions().isEmpty()) {
                events.add(new Event.MemoryPlaced());
            } else if (plan.shared()) {
                placeMemory((number) -> new SlotLane(files));
            }
            end = loop();
            return report(vmm, end);
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.GONE);
        } finally {
            close();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Goes through the course once without saying anything: what the JVM meets for the first time takes it tens of
    /// milliseconds, and those are better spent before somebody waits.
    private void rehearse() {
        MainConnection.rehearse();
        SenderCourse.Step step =
                SenderCourse.next(plan.course(), SenderCourse.begin().state(), new Event.MemoryPlaced());
        while (!(step.state() instanceof State.Done || step.state() instanceof State.Serving)) {
            step = SenderCourse.next(plan.course(), step.state(), new Event.Answered());
        }
        SenderCourse.next(plan.course(), step.state(), new Event.DrainEnded(true));
    }

    /// Whether the VMM was reached: until then it may wait for a guest.
    boolean isConnected() {
        return connected;
    }

    private boolean isToStop() {
        return watch.cancelled()
                || interrupted
                || (!connected && Thread.currentThread().isInterrupted());
    }

    private State loop() {
        perform(SenderCourse.begin());
        boolean told = false;
        while (!(state instanceof State.Done || state instanceof State.Failed)) {
            Event event = poll();
            if (!told && state instanceof State.Sending && isToStop()) {
                told = true; // and before the event: it may be the last that the guest's first step waits for
                next(new Event.Stop(new InterruptedOperation("Interrupted; the VMM waits for no guest any more", "")));
            }
            if (event != null) {
                next(event);
            } else if (System.nanoTime() - entered > patience().toNanos()) {
                next(new Event.PatienceEnded());
            } else if (lazy != null && state instanceof State.Serving) {
                watch.bytes(lazy.doneBytes(), plan.bytes());
                lazy.silence(System.nanoTime()).ifPresent(watch::warning);
            }
        }
        return state;
    }

    private Duration patience() {
        return switch (state) {
            case State.Stopping _, State.Abandoning _ -> LEAVING_PATIENCE;
            case State.Sending s ->
                switch (s.stage()) {
                    case START, DESCRIPTORS -> ANSWER_PATIENCE;
                    case CONFIG, STATE, COMPLETE -> WORK_PATIENCE;
                    case MEMORY -> FOREVER; // nothing is outstanding
                };
            case State.Serving _, State.Done _, State.Failed _ -> FOREVER;
        };
    }

    private void next(Event event) {
        SenderCourse.Step step = SenderCourse.next(plan.course(), state, event);
        if (!step.state().equals(state)) {
            entered = System.nanoTime();
        }
        perform(step);
    }

    private void perform(SenderCourse.Step step) {
        state = step.state();
        step.effects().forEach(this::perform);
    }

    private @Nullable Event poll() {
        try {
            return events.poll(TICK_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            interrupted = true; // and cleared, or nothing could be waited for any more
            return null;
        }
    }

    private void perform(Effect effect) {
        try {
            MainConnection to = Objects.requireNonNull(main);
            switch (effect) {
                case SEND_START -> to.start();
                case SEND_DESCRIPTOR -> {
                    int left = ((State.Sending) state).descriptors();
                    SlotFile file = files.get(files.size() - left);
                    to.descriptor(file.slot().slot(), file.fd());
                }
                case SEND_CONFIG -> to.config(plan.config());
                case PUSH_MEMORY -> {
                    if (!plan.shared()) {
                        placeMemory((number) -> new MemoryPush(pushConnection(), plan.slots(), plan.inFile()));
                    }
                }
                case OPEN_FAULTS ->
                    Objects.requireNonNull(lazy).open(connector, whole -> events.add(new Event.DrainEnded(whole)));
                case SEND_STATE -> {
                    to.state(plan.state());
                    phaseEnds("memory", "sending state"); // told while the VMM is at it
                }
                case SEND_COMPLETE -> to.complete(false);
                case SEND_COMPLETE_PAUSED -> to.complete(true);
                case SEND_ABANDON -> {
                    endPlacing(); // the VMM must not see half a message
                    to.abandon();
                }
                case GUEST_RUNS -> {
                    guestIsThere();
                    Objects.requireNonNull(lazy).guestRuns();
                    guestMayRun();
                    watch.phase("serving memory");
                }
                case GUEST_MAY_RUN -> guestMayRun();
                case CLOSE -> {
                    if (state instanceof State.Done) {
                        guestIsThere();
                    }
                    to.shutdown();
                }
            }
        } catch (DrayException e) {
            events.add(new Event.Stop(e));
        }
    }

    private Connection pushConnection() throws DrayException {
        Connection connection = connector.connect(connectPatience);
        pushes.add(connection);
        return connection;
    }

    /// Has what fills memory end after what it is at; a VMM that takes none of that is not waited for for ever.
    private void endPlacing() {
        fill.stop();
        if (!Threads.join(memory, LEAVING_PATIENCE)) {
            watch.warning("The VMM took no memory for " + LEAVING_PATIENCE.toSeconds()
                    + " s; it may wait for the rest for ever, and has to be killed");
        }
        pushes.forEach(Connection::shutdown);
        Threads.join(memory);
    }

    private void guestMayRun() {
        if (!announced) {
            announced = true;
            watch.guestRuns();
        }
    }

    private void guestIsThere() {
        if (resumed == 0) {
            resumed = System.nanoTime();
            phaseEnds("devices", null);
        }
    }

    private void phaseEnds(String name, @Nullable String next) {
        long now = System.nanoTime();
        double ms = (now - phaseBegan) / 1e6;
        phases.add(new PhaseTime(name, ms));
        if (FlightRecorder.isInitialized()) {
            var event = new PhaseEvent();
            event.phase = name;
            event.ms = ms;
            event.commit();
        }
        phaseBegan = now;
        if (next != null) {
            watch.phase(next);
        }
    }

    private void placeMemory(EagerFill.Lanes lanes) {
        memory = Thread.ofPlatform().name("memory").start(() -> {
            try {
                fill.run(threads, lanes);
                if (!fill.isStopped()) {
                    events.add(new Event.MemoryPlaced());
                }
            } catch (DrayException e) {
                events.add(new Event.Stop(e));
            } catch (RuntimeException | Error e) {
                events.add(new Event.Stop(
                        new MachineException("A defect in Dray stopped the restore: " + e, "report it", e)));
            }
        });
    }

    private RestoreReport report(String vmm, State end) throws GuestException {
        if (end instanceof State.Failed(var reason, var guest)) {
            if (guest == Guest.INCOMPLETE) {
                watch.warning("The VMM still has a guest without its memory: delete that, or kill the VMM");
            }
            throw new GuestException(reason, whereabouts(guest));
        }
        double resumeMs = (resumed - firstMessage) / 1e6;
        long contentBytes = fill.contentBytes();
        double residentMs = resumeMs;
        Optional<LazyReport> served = Optional.empty();
        if (lazy != null) {
            lazy.stop();
            phaseEnds("serve", null);
            residentMs = Math.max(resumeMs, (lazy.lastAnswer() - firstMessage) / 1e6);
            contentBytes += lazy.contentBytes();
            served = Optional.of(lazy.report());
        }
        return new RestoreReport(
                vmm,
                plan.paused() ? Whereabouts.PAUSED : Whereabouts.RUNNING,
                resumeMs,
                residentMs,
                contentBytes,
                phases,
                served);
    }

    private Whereabouts whereabouts(Guest guest) {
        return switch (guest) {
            case NOWHERE -> Whereabouts.GONE;
            case LOST -> lazy != null && lazy.isVmmGone() ? Whereabouts.GONE : Whereabouts.UNKNOWN;
            case RUNNING -> Whereabouts.RUNNING;
            case PAUSED -> Whereabouts.PAUSED;
            case INCOMPLETE, UNKNOWN -> Whereabouts.UNKNOWN;
        };
    }

    private void close() {
        endPlacing();
        if (main != null) {
            main.close();
        }
        if (lazy != null) {
            lazy.close();
        }
        files.forEach(SlotFile::close);
    }

    /// Pages into the files of the slots, by one thread.
    private record SlotLane(List<SlotFile> files) implements EagerFill.Lane {
        @Override
        public void take(int region, long first, int count, long address, byte[] kinds) throws DrayException {
            files.get(region).write(first, count, address, kinds);
        }

        @Override
        public void pieceEnds() {}

        @Override
        public void close() {}
    }
}
