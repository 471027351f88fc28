package dev.dray.machine.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.machine.qemu.DestinationCourse.Effect;
import dev.dray.machine.qemu.DestinationCourse.Event;
import dev.dray.machine.qemu.DestinationCourse.State;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Threads;
import dev.dray.machine.vmm.Vmm;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.Configuration;
import dev.dray.vmm.qemu.wire.ReturnMessage;
import dev.dray.vmm.qemu.wire.ReturnPathWriter;
import dev.dray.vmm.qemu.wire.StreamEvents;
import dev.dray.vmm.qemu.wire.StreamForm;
import dev.dray.vmm.qemu.wire.StreamLimits;
import dev.dray.vmm.qemu.wire.StreamReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Drives the one incoming migration that a machine can take along [DestinationCourse].
///
/// Threads: a command begins it; a thread of its own accepts, loads, and does everything after.
final class Destination {
    private static final String IO_ERROR = "load of migration failed: Input/output error";
    private static final String INVALID = "load of migration failed: Invalid argument";

    private final Vmm vmm;
    private final RunControl runControl;
    private final MigrationSettings settings;
    private final QmpEvents events;
    private final Faults faults;
    private volatile State state;
    private @Nullable MigrationUri uri;
    private @Nullable ServerSocketChannel server;
    private volatile @Nullable Connection connection;
    private @Nullable ReturnPathWriter returnPath;
    private @Nullable Thread thread;
    private String globalState = "";

    Destination(
            Vmm vmm,
            RunControl runControl,
            MigrationSettings settings,
            QmpEvents events,
            Faults faults,
            boolean isIncoming) {
        this.vmm = vmm;
        this.runControl = runControl;
        this.settings = settings;
        this.events = events;
        this.faults = faults;
        this.state = DestinationCourse.begin(isIncoming);
    }

    State state() {
        return state;
    }

    /// Where it listens; empty if it does not.
    synchronized String place() {
        return uri != null && state instanceof State.Listening ? uri.place() : "";
    }

    /// The command `migrate-incoming`.
    synchronized void start(MigrationUri from, boolean exitOnError) throws QmpException {
        String refusal = DestinationCourse.refusal(state);
        if (!refusal.isEmpty()) {
            throw new QmpException(refusal);
        }
        try {
            server = from.listen();
        } catch (IOException e) {
            throw new QmpException("Failed to bind socket to " + from.place() + ": " + e.getMessage());
        }
        uri = from;
        step(new Event.Asked(exitOnError));
    }

    private void step(Event event) {
        DestinationCourse.Step step = DestinationCourse.next(state, event);
        state = step.state();
        for (Effect effect : step.effects()) {
            perform(effect);
        }
    }

    private void perform(Effect effect) {
        switch (effect) {
            case LISTEN ->
                thread = Thread.ofPlatform().daemon().name("incoming").start(this::listen);
            case LOAD -> load();
            case START_GUEST -> runControl.arrived(globalState);
            case ACCEPT -> accept();
            case REFUSE -> refuse();
            case CLOSE -> close();
            case ANNOUNCE -> {
                if (settings.isOn("events")) {
                    events.send("MIGRATION", Map.of("status", state.status()));
                }
            }
            case EXIT -> vmm.quit(1);
        }
    }

    private void listen() {
        ServerSocketChannel listening = server;
        if (listening == null) {
            throw new IllegalStateException("not listening");
        }
        try {
            reach(FaultStep.DESTINATION_ACCEPT);
            connection = new Connection(listening.accept());
            listening.close();
            step(new Event.Accepted());
        } catch (IOException | PeerException e) {
            step(new Event.LoadFailed(INVALID));
        }
    }

    private void load() {
        Connection from = connection;
        if (from == null) {
            throw new IllegalStateException("not connected");
        }
        try (GuestLoader loader = new GuestLoader(vmm.memory(), this::reach)) {
            CapturedStream stream =
                    new StreamReader(from, StreamForm.WAITING, StreamLimits.DEFAULT, new Reader(from, loader)).read();
            reach(FaultStep.DESTINATION_DEVICES);
            loadDevices(stream);
            reach(FaultStep.DESTINATION_RUN);
            step(new Event.Loaded());
        } catch (DrayException | RuntimeException e) {
            vmm.log(String.valueOf(e.getMessage()));
            step(new Event.LoadFailed(from.endSeen() ? IO_ERROR : INVALID));
        }
    }

    private void loadDevices(CapturedStream stream) throws PeerException {
        List<DeviceState> layouts = new ArrayList<>(vmm.deviceLayouts());
        layouts.add(GlobalState.of(RunState.RUNNING.word()));
        List<DeviceState> states = DeviceSections.decode(stream, layouts);
        globalState = GlobalState.word(states.removeLast());
        vmm.loadDevices(states);
    }

    /// What is reported while the stream is read.
    private final class Reader implements StreamEvents {
        private final Connection from;
        private final GuestLoader loader;

        Reader(Connection from, GuestLoader loader) {
            this.from = from;
            this.loader = loader;
        }

        @Override
        public PageDestination memory(Configuration configuration, GuestMemoryMap map) throws PeerException {
            if (!configuration.machineType().equals(vmm.machineType())) {
                throw new PeerException(
                        "Machine type received is '" + configuration.machineType() + "' and local is '"
                                + vmm.machineType() + "'",
                        "");
            }
            loader.check(map);
            reach(FaultStep.DESTINATION_MEMORY_START);
            return loader;
        }

        @Override
        public void openReturnPath() {
            returnPath = new ReturnPathWriter(from);
        }

        @Override
        public void ping(int value) throws PeerException {
            say(new ReturnMessage.Pong(value));
        }
    }

    private void say(ReturnMessage message) throws PeerException {
        ReturnPathWriter to = returnPath;
        if (to != null) {
            to.write(message);
        }
    }

    private void accept() {
        try {
            say(new ReturnMessage.Shut(0));
            step(new Event.SourceTold());
        } catch (PeerException e) {
            vmm.log("the source cannot be told that its guest has arrived: " + e.getMessage());
            step(new Event.LoadFailed(IO_ERROR));
        }
    }

    private void refuse() {
        try {
            say(new ReturnMessage.Shut(1));
        } catch (PeerException e) {
            vmm.log("the source does not listen: " + e.getMessage());
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
                    now.awaitEnd(false);
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

    /// Closes every socket: whatever waits for them ends.
    void close() {
        try {
            if (server != null) {
                server.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Connection now = connection;
        if (now != null) {
            now.close();
        }
    }

    /// Ends the thread; only when the machine is being closed.
    void join() {
        close();
        Thread running = thread;
        if (running != null) {
            running.interrupt();
            Threads.join(running);
        }
    }
}
