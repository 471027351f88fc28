package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.cloudhypervisor.SourceCourse.Effect;
import dev.dray.machine.cloudhypervisor.SourceCourse.Event;
import dev.dray.machine.cloudhypervisor.SourceCourse.Plan;
import dev.dray.machine.cloudhypervisor.SourceCourse.State;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Threads;
import dev.dray.machine.vmm.Timings;
import dev.dray.machine.vmm.Vmm;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Drives one outgoing migration along [SourceCourse], in a thread of its own.
final class SourceRun {
    private final Vmm vmm;
    private final Ownership ownership;
    private final SendOrder order;
    private final Model model;
    private final Reach reach;
    private final GuestMemory memory;
    private final Plan plan;
    private final MemorySender sender;
    private final Thread thread;
    private volatile State state = new State.Connecting();
    private volatile @Nullable Channel main;
    private volatile @Nullable FaultServer faultServer;
    private boolean isClosed;
    /// The table that is to be sent next.
    private List<MemoryRange> table = List.of();
    private int iteration;
    private long began;
    private double bytesPerMs;
    private long connected;
    private long paused;

    SourceRun(Vmm vmm, Ownership ownership, SendOrder order, Model model, Reach reach) {
        this.vmm = vmm;
        this.ownership = ownership;
        this.order = order;
        this.model = model;
        this.reach = reach;
        this.memory = new GuestMemory(vmm.memory(), ownership.design().slots());
        this.plan = new Plan(order.isLocal(), order.isPostcopy(), order.preserve(), order.cancels());
        this.sender = new MemorySender(memory, reach);
        this.thread = Thread.ofPlatform().daemon().name("migration").unstarted(this::loop);
    }

    /// Nothing begins once it was shut down.
    synchronized void start() {
        if (!isClosed) {
            thread.start();
        }
    }

    State state() {
        return state;
    }

    private void loop() {
        SourceCourse.Step step = SourceCourse.begin();
        while (true) {
            state = step.state();
            Event event = null;
            for (Effect effect : step.effects()) {
                event = perform(effect);
            }
            if (event == null) {
                return;
            }
            step = SourceCourse.next(plan, state, event);
        }
    }

    /// @return what came of it; null after the last effects, of which nothing comes
    private @Nullable Event perform(Effect effect) {
        try {
            return switch (effect) {
                case PAUSE -> {
                    paused = System.nanoTime();
                    ownership.pauseAway();
                    yield null;
                }
                case CLOSE -> {
                    endConnections();
                    yield null;
                }
                case GIVE_BACK -> {
                    vmm.log("Migration failed: " + state);
                    ownership.backFromFailure();
                    yield null;
                }
                case PRESERVE -> {
                    ownership.backPreserved();
                    yield null;
                }
                case END_VM -> {
                    ownership.gone();
                    yield null;
                }
                default -> work(effect);
            };
        } catch (PeerException e) {
            return new Event.Broke(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            vmm.log("the migration has a defect: " + e);
            return new Event.Broke(String.valueOf(e.getMessage()));
        }
    }

    private Event work(Effect effect) throws PeerException {
        return switch (effect) {
            case CONNECT -> connect();
            case SEND_START -> {
                reach.step(FaultStep.SENDER_START, main());
                main().send(new RequestHeader(Command.START.code(), Wire.PROTOCOL_VERSION, 0));
                yield answer();
            }
            case SEND_DESCRIPTORS -> sendDescriptors();
            case SEND_CONFIG -> sendConfig();
            case OPEN_WORKERS -> {
                if (order.connections() > 1) {
                    sender.open(order.to(), order.connections());
                }
                memory.memory().clearLog();
                began = System.nanoTime();
                yield new Event.Opened();
            }
            case OPEN_FAULT_CONNECTION -> openFaultConnection();
            case TABLE -> nextTable();
            case SEND_TABLE -> sendTable();
            case SEND_REST -> sendRest();
            case SEND_STATE -> sendState();
            case SEND_COMPLETE -> {
                reach.step(FaultStep.SENDER_COMPLETE, main());
                main().send(ownership.ranBefore() ? Command.COMPLETE : Command.COMPLETE_PAUSED);
                reach.step(FaultStep.SENDER_COMPLETE_ANSWER, main());
                Event answer = answer();
                long now = System.nanoTime();
                Timings.tell(() -> "migration_ms=" + (now - connected) / 1e6 + " stood_ms=" + (now - paused) / 1e6);
                yield answer;
            }
            case AWAIT_DRAIN -> {
                FaultServer server = faultServer;
                if (server != null) {
                    server.await();
                }
                yield new Event.Drained();
            }
            case PAUSE, CLOSE, GIVE_BACK, PRESERVE, END_VM -> throw new IllegalArgumentException(effect.toString());
        };
    }

    private Event connect() throws PeerException {
        Channel channel = Channel.connect(order.to());
        connected = System.nanoTime();
        synchronized (this) {
            main = channel;
            if (isClosed) {
                channel.shutdown();
            }
        }
        return new Event.Connected();
    }

    private Channel main() {
        Channel now = main;
        if (now == null) {
            throw new IllegalStateException("not connected");
        }
        return now;
    }

    private Event answer() throws PeerException {
        return main().response().status() == ResponseHeader.OK ? new Event.Accepted() : new Event.Refused();
    }

    /// In the real one, the order is that of a hash map.
    private Event sendDescriptors() throws PeerException {
        List<Integer> indexes = new ArrayList<>();
        for (int i = 0; i < memory.slots().size(); i++) {
            indexes.add(i);
        }
        Collections.shuffle(indexes, new Random(model.seed()));
        Event answer = new Event.Accepted();
        for (int index : indexes) {
            if (answer instanceof Event.Accepted) {
                reach.step(FaultStep.SENDER_DESCRIPTOR, main());
                main().send(RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES));
                main().sendDescriptor(
                                memory.slots().get(index).number(),
                                memory.memory().block(index).memfd());
                answer = answer();
            }
        }
        return answer;
    }

    private Event sendConfig() throws PeerException {
        byte[] document = ownership.design().configDocument();
        reach.step(FaultStep.SENDER_CONFIG, main());
        main().send(RequestHeader.of(Command.CONFIG, document.length));
        main().write(document);
        reach.step(FaultStep.SENDER_CONFIG_ANSWER, main());
        return answer();
    }

    /// It is served at once: the destination may fetch memory while it takes the state.
    private Event openFaultConnection() throws PeerException {
        Channel channel = Channel.connect(order.to());
        FaultServer server = new FaultServer(channel, memory, reach);
        synchronized (this) {
            faultServer = server;
            if (isClosed) {
                channel.shutdown();
            }
        }
        server.start();
        return new Event.Opened();
    }

    private Event nextTable() throws PeerException {
        reach.step(FaultStep.SENDER_TABLE, main());
        table = iteration == 0 ? memory.all(ownership.design().isShared() && !model.isV53()) : memory.takeWritten();
        long bytes = GuestMemory.bytes(table);
        boolean timeIsUp = System.nanoTime() - began >= TimeUnit.SECONDS.toNanos(order.timeLimitSeconds());
        long estimateMs = bytesPerMs > 0 ? (long) (bytes / bytesPerMs) : -1;
        return new Event.Tabled(bytes, estimateMs, order.downtimeMs(), timeIsUp);
    }

    private Event sendTable() throws PeerException {
        long start = System.nanoTime();
        sender.sendAll(table, main());
        double ms = Math.max(1, System.nanoTime() - start) / 1e6;
        bytesPerMs = GuestMemory.bytes(table) / ms;
        table = List.of();
        iteration++;
        return new Event.Accepted();
    }

    private Event sendRest() throws PeerException {
        reach.step(FaultStep.SENDER_PAUSED, main());
        List<MemoryRange> rest = new ArrayList<>(memory.takeWritten());
        rest.addAll(table);
        sender.sendAll(rest, main());
        sender.close();
        // Saving the devices may write memory; here it never does, but what it wrote would be sent so.
        sender.send(memory.takeWritten(), main());
        return new Event.Accepted();
    }

    private Event sendState() throws PeerException {
        byte[] document = ownership.design().stateDocument(vmm.saveDevices());
        reach.step(FaultStep.SENDER_STATE, main());
        main().send(RequestHeader.of(Command.STATE, document.length));
        main().write(document);
        reach.step(FaultStep.SENDER_STATE_ANSWER, main());
        return answer();
    }

    private void endConnections() {
        shutdown();
        sender.close();
        FaultServer server = faultServer;
        if (server != null) {
            server.close();
        }
        Channel channel = main;
        if (channel != null) {
            channel.close();
        }
    }

    /// Breaks every connection; from any thread.
    synchronized void shutdown() {
        isClosed = true;
        sender.shutdown();
        FaultServer server = faultServer;
        if (server != null) {
            server.shutdown();
        }
        Channel channel = main;
        if (channel != null) {
            channel.shutdown();
        }
    }

    /// Ends it; only when the machine is being closed.
    void close() {
        shutdown();
        Threads.join(thread);
    }
}
