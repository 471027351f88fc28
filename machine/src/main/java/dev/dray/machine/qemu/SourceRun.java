package dev.dray.machine.qemu;

import dev.dray.error.PeerException;
import dev.dray.machine.qemu.SourceCourse.Effect;
import dev.dray.machine.qemu.SourceCourse.Event;
import dev.dray.machine.qemu.SourceCourse.Plan;
import dev.dray.machine.qemu.SourceCourse.State;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.FrozenPages;
import dev.dray.machine.vmm.Threads;
import dev.dray.machine.vmm.Vmm;
import dev.dray.vmm.qemu.wire.ReturnMessage;
import dev.dray.vmm.qemu.wire.ReturnPathReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/// Drives one outgoing migration along [SourceCourse].
///
/// Threads: one takes events and carries out effects, and so owns the state; one sends, one thing at a time; one reads
/// the return path. The latter two only post events.
final class SourceRun {
    private static final long BYTES_PER_SECOND_UNLIMITED = 0;

    private final Vmm vmm;
    private final RunControl runControl;
    private final MigrationSettings settings;
    private final QmpEvents events;
    private final Faults faults;
    private final MigrationUri uri;
    private final Plan plan;
    private final MigrationCounters counters;
    private final BlockingQueue<Event> queue = new LinkedBlockingQueue<>();
    private final BlockingQueue<Callable<Event>> work = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile State state = new State.Connecting();
    private volatile @Nullable Connection connection;
    private @Nullable SourceStream stream;
    private @Nullable FrozenPages frozen;
    private @Nullable List<DeviceState> devices;

    SourceRun(
            Vmm vmm,
            RunControl runControl,
            MigrationSettings settings,
            QmpEvents events,
            Faults faults,
            MigrationUri uri) {
        this.vmm = vmm;
        this.runControl = runControl;
        this.settings = settings;
        this.events = events;
        this.faults = faults;
        this.uri = uri;
        this.plan = settings.plan();
        this.counters = new MigrationCounters(vmm.memory().map().bytes());
    }

    void start() {
        SourceCourse.Step first = SourceCourse.begin();
        // The status is told before the command is answered, the rest goes on by itself.
        perform(List.of(Effect.ANNOUNCE));
        threads.add(Thread.ofPlatform().daemon().name("migration-send").start(this::send));
        threads.add(Thread.ofPlatform().daemon().name("migration").start(() -> loop(first)));
    }

    State state() {
        return state;
    }

    boolean isOver() {
        return state instanceof State.Ended;
    }

    MigrationCounters counters() {
        return counters;
    }

    void post(Event event) {
        queue.add(event);
    }

    private void loop(SourceCourse.Step first) {
        SourceCourse.Step step = first;
        perform(step.effects().subList(1, step.effects().size()));
        try {
            while (!isOver()) {
                step = SourceCourse.next(plan, state, queue.take());
                if (step.state() instanceof State.Ended) {
                    counters.ended();
                }
                state = step.state();
                perform(step.effects());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            close();
            work.add(() -> new Event.Broke(""));
        }
    }

    private void perform(List<Effect> effects) {
        for (Effect effect : effects) {
            switch (effect) {
                case ANNOUNCE -> announce();
                case CONNECT -> work.add(this::connect);
                case SEND_SETUP -> work.add(this::sendSetup);
                case SEND_PART -> work.add(this::sendPart);
                case SEND_REST -> work.add(this::sendRest);
                case SEND_FROZEN -> work.add(this::sendFrozen);
                case FREEZE -> freeze();
                case THAW -> vmm.memory().thaw();
                case STOP_GUEST -> {
                    runControl.stopForMigration();
                    counters.guestStopped();
                }
                case RUN_GUEST -> runControl.backFromMigration();
                case END_GUEST -> runControl.gone();
                case CLOSE -> close();
            }
        }
    }

    private void announce() {
        if (settings.isOn("events")) {
            events.send("MIGRATION", Map.of("status", state.status()));
        }
    }

    private void freeze() {
        counters.guestStopped();
        runControl.atStandstill(word -> {
            devices = devices(word);
            frozen = vmm.memory().freeze();
        });
        counters.guestRan();
    }

    private List<DeviceState> devices(String globalState) {
        List<DeviceState> all = new ArrayList<>(vmm.saveDevices());
        all.add(GlobalState.of(globalState));
        return all;
    }

    /// The sending thread: carries out one piece of work after the other and posts what came of it.
    private void send() {
        try {
            while (!isOver()) {
                Callable<Event> next = work.take();
                if (!isOver()) {
                    post(outcome(next));
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static Event outcome(Callable<Event> piece) {
        try {
            return piece.call();
        } catch (PeerException e) {
            return new Event.Broke(String.valueOf(e.getMessage()));
        } catch (Exception e) {
            return new Event.Broke(e.toString());
        }
    }

    private Event connect() throws PeerException {
        try {
            reach(FaultStep.SOURCE_CONNECT);
            Connection opened = uri.connect();
            connection = opened;
            if (isOver() || state instanceof State.Cancelling) {
                opened.close();
            }
            stream = new SourceStream(vmm, opened, counters, this::reach);
            return new Event.Connected();
        } catch (IOException e) {
            return new Event.Broke("Failed to connect to '" + uri.place() + "': " + e.getMessage());
        }
    }

    private Event sendSetup() throws PeerException {
        if (plan.returnPath()) {
            threads.add(Thread.ofPlatform().daemon().name("migration-answers").start(this::readAnswers));
        }
        stream().setup(plan.returnPath());
        return new Event.SetUp();
    }

    private Event sendPart() throws PeerException {
        long limit = settings.number("max-bandwidth", BYTES_PER_SECOND_UNLIMITED);
        return stream().part(limit, settings.number("downtime-limit", 300));
    }

    private Event sendRest() throws PeerException {
        stream().rest(devices(runControl.globalState()));
        reach(FaultStep.SOURCE_ANSWER);
        return new Event.AllSent();
    }

    private Event sendFrozen() throws PeerException {
        FrozenPages pages = frozen;
        List<DeviceState> states = devices;
        if (pages == null || states == null) {
            throw new IllegalStateException("nothing is frozen");
        }
        reach(FaultStep.SOURCE_FROZEN);
        stream().frozen(pages, states);
        return new Event.AllSent();
    }

    private SourceStream stream() {
        SourceStream now = stream;
        if (now == null) {
            throw new IllegalStateException("not connected");
        }
        return now;
    }

    /// The return path: every message that matters becomes an event.
    private void readAnswers() {
        Connection from = connection;
        if (from == null) {
            throw new IllegalStateException("not connected");
        }
        ReturnPathReader reader = new ReturnPathReader(from);
        try {
            ReturnMessage message = reader.read();
            while (message != null) {
                if (message instanceof ReturnMessage.Shut(int status)) {
                    post(new Event.Answered(status));
                }
                message = reader.read();
            }
            post(new Event.AnswerLost());
        } catch (PeerException _) {
            post(new Event.AnswerLost());
        }
    }

    private void reach(FaultStep step) throws PeerException {
        var fault = faults.reach(step);
        if (fault.isEmpty()) {
            return;
        }
        Connection now = connection;
        switch (fault.get()) {
            case CUT -> close();
            case STALL -> {
                if (now != null) {
                    now.awaitEnd(plan.returnPath());
                }
            }
            case FREEZE -> {
                // Over already.
            }
            case ERROR -> throw new PeerException("planned fault at " + step, "");
            case DIE -> {
                vmm.die();
                throw new PeerException("the machine has died", "");
            }
        }
    }

    /// Closes the connection: whatever waits for it ends.
    void close() {
        Connection now = connection;
        if (now != null) {
            now.close();
        }
    }

    /// Ends the threads; only when the machine is being closed.
    void join() {
        close();
        if (!isOver()) {
            post(new Event.Broke("the machine was closed"));
        }
        for (Thread thread : threads) {
            thread.interrupt();
            Threads.join(thread);
        }
    }
}
