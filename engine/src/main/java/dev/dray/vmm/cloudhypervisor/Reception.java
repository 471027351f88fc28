package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.linux.NativeMemory;
import dev.dray.page.PageDestination;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Effect;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Event;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Plan;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Stage;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.State;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Transport;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// Receives one guest along [ReceiverCourse]: reads requests, carries out what the course says, and answers.
/// The calling thread does that; further connections have threads of their own.
final class Reception implements AutoCloseable {
    /// What whoever wants the guest does at the moments that matter.
    interface Owner {
        /// The guest's memory is about to be copied; from `Config answered` on it stands still, if it is local.
        void phase(String name);

        /// How long copying from a running guest may go on, as a deadline of [System#nanoTime].
        long copyDeadline();

        /// Whether memory that came as descriptors is copied while the guest runs.
        boolean copiesLive();

        /// Config is about to be answered.
        void stopping();

        /// All of the state is here: the guest stands still, and nothing of it changes any more.
        void standing() throws DrayException;

        /// All of the guest is here; called before Complete is answered or the snapshot stored.
        void complete(Received received) throws DrayException;

        /// Complete is answered, the VMM has let go of its guest or keeps it standing still.
        void letGo() throws DrayException;

        /// Everything is with the store: make the snapshot.
        void store(Received received) throws DrayException;
    }

    /// Warnings are kept to the end, which may be months away.
    private static final int STRANGERS_TOLD_MAX = 10;

    private final Listener listener;
    private final Connections connections;
    private final Plan plan;
    private final CaptureStore store;
    private final OperationWatch watch;
    private final Owner owner;
    private final Pace pace;
    private final MemorySegment buffer = NativeMemory.map(RequestHeader.BYTES);
    private final LocalMemory local;
    private final Deque<Event> events = new ArrayDeque<>();

    private @Nullable Connection main;
    private @Nullable StreamMemory stream;
    private @Nullable MigrationConfig config;
    private byte[] configBytes = new byte[0];
    private byte[] stateBytes = new byte[0];
    private boolean ran;
    private RequestHeader header = new RequestHeader(0, 0, 0);
    private @Nullable DrayException failure;
    private boolean answered;
    private boolean mainEnded;

    Reception(Listener listener, Plan plan, CaptureStore store, OperationWatch watch, Owner owner, Pace pace) {
        this.listener = listener;
        this.plan = plan;
        this.store = store;
        this.watch = watch;
        this.owner = owner;
        this.pace = pace;
        this.local = new LocalMemory(pace, this::check);
        this.connections = new Connections(listener, watch);
    }

    /// Whether Complete was answered: until then the sender lets its guest run on by itself when this ends.
    boolean isAnswered() {
        return answered;
    }

    /// Receives the guest to the end.
    ///
    /// @param patience how long the sender may take to connect
    /// @throws DrayException why there is no snapshot
    void run(Duration patience) throws DrayException {
        Event request = first(patience);
        State state = ReceiverCourse.begin();
        while (!state.stage().isOver()) {
            if (connections.fault().isPresent()) {
                state = drive(state, new Event.FaultConnection());
            }
            events.add(request);
            while (!events.isEmpty()) {
                state = drive(state, events.remove());
            }
            if (!state.stage().isOver()) {
                request = request(main());
            }
        }
        DrayException why = failure;
        if (why != null) {
            throw why;
        }
        if (state.stage() == Stage.ABORTED) {
            throw new PeerException("The VMM gave up its migration", "see Cloud Hypervisor's log");
        }
    }

    /// The first request. Whoever can reach a port may connect to it: a connection that does not begin as a VMM
    /// does is not waited for any more.
    private Event first(Duration patience) throws DrayException {
        long began = System.nanoTime();
        int strangers = 0;
        while (true) {
            Connection connection =
                    connections.main(patience.minusNanos(System.nanoTime() - began), this::checkCancelled);
            main = connection;
            Event request = request(connection);
            boolean starts = request instanceof Event.Request(var command) && command == Command.START;
            boolean isOurs = starts || request instanceof Event.Failed || listener.endpoint() instanceof Endpoint.Unix;
            if (isOurs && connections.start()) {
                return request;
            }
            DrayException elsewhere = connections.failure().orElse(null);
            if (elsewhere != null) {
                throw elsewhere;
            }
            DrayException why = failure;
            if (strangers++ < STRANGERS_TOLD_MAX) {
                watch.warning("somebody connected who is no VMM: "
                        + (why == null ? "the connection does not begin as a migration does" : why.getMessage()));
            }
            failure = null;
            answerError();
            connections.drop();
        }
    }

    private Event request(Connection connection) {
        try {
            if (!connection.readOrEnd(buffer.address(), RequestHeader.BYTES)) {
                return ended(failure);
            }
            header = RequestHeader.read(buffer, 0);
            if (connections.failure().isPresent()) {
                failure = connections.failure().get();
                return new Event.Unacceptable(new PeerException("Another connection failed", ""));
            }
            boolean completes =
                    header.command() == Command.COMPLETE.code() || header.command() == Command.COMPLETE_PAUSED.code();
            StreamMemory to = stream;
            if (completes && to != null && !to.hasCome()) {
                connections.settle(this::checkCancelled); // perhaps a connection to ask for memory is on its way
            }
            Event event = ReceiverCourse.of(header);
            if (event instanceof Event.Unacceptable(var why)) {
                failure = why;
            }
            return event;
        } catch (PeerException e) {
            return ended(e);
        } catch (DrayException e) {
            return failed(e);
        }
    }

    private Event failed(DrayException why) {
        failure = connections.failure().orElse(why);
        return new Event.Failed();
    }

    /// The sender also ends the main connection because another one was ended from here.
    private Event ended(@Nullable DrayException why) {
        failure = connections.failure().orElse(why);
        return new Event.Ended();
    }

    static MachineException outOfMemory(OutOfMemoryError e) {
        return new MachineException(
                "Dray has not enough memory to receive this guest: " + e.getMessage(),
                "give it more, or see whether a Cloud Hypervisor sends this guest",
                e);
    }

    private State drive(State state, Event event) {
        var step = ReceiverCourse.next(plan, state, event);
        if (step.state().stage() == Stage.ABORTED && failure == null && event instanceof Event.Request(var command)) {
            failure = command == Command.ABANDON
                    ? new PeerException("The VMM gave up its migration", "see Cloud Hypervisor's log")
                    : new PeerException("The VMM sent " + command + " after " + state.stage(), "report this");
        }
        for (Effect effect : step.effects()) {
            try {
                perform(effect, state, step.state());
            } catch (DrayException e) {
                if (step.state().stage() == Stage.COMPLETED) {
                    failedAfterwards(e);
                    continue;
                }
                events.add(mainEnded ? ended(e) : failed(e));
                break;
            }
        }
        return step.state();
    }

    /// All of the guest is here: that it could not be let go is no reason not to store it.
    private void failedAfterwards(DrayException why) {
        DrayException first = failure;
        if (first == null) {
            failure = why;
        } else {
            first.addSuppressed(why);
        }
    }

    private void perform(Effect effect, State before, State after) throws DrayException {
        try {
            carryOut(effect, before, after);
        } catch (OutOfMemoryError e) {
            throw outOfMemory(e);
        }
    }

    private void carryOut(Effect effect, State before, State after) throws DrayException {
        switch (effect) {
            case ANSWER_OK -> answerOk(before, after);
            case ANSWER_ERROR -> answerError();
            case TAKE_DESCRIPTOR -> {
                local.take(main().receiveDescriptor());
                events.add(new Event.Ready());
            }
            case TAKE_CONFIG -> {
                takeConfig(after.transport());
                events.add(new Event.Ready());
            }
            case TAKE_MEMORY -> {
                stream().take(main(), header.length());
                events.add(new Event.Ready());
            }
            case TAKE_STATE -> {
                stateBytes = document();
                events.add(new Event.Ready());
            }
            case FINISH -> {
                ran = header.command() == Command.COMPLETE.code();
                finish(after.transport());
                events.add(new Event.Ready());
            }
            case STORE -> {
                storeAll(after.transport());
                events.add(new Event.Ready());
            }
            case DISCARD -> {} // the store forgets what was not committed
        }
    }

    private void answerOk(State before, State after) throws DrayException {
        if (before.stage() == Stage.CONFIGURING) {
            owner.stopping();
        }
        if (after.stage() == Stage.COMPLETED) {
            answered = true;
        }
        answer(ResponseHeader.OK);
        if (after.stage() == Stage.COMPLETED) {
            owner.letGo();
        }
    }

    private void answerError() {
        try {
            answer(ResponseHeader.ERROR);
        } catch (DrayException e) {
            // It is gone already.
        }
    }

    private void answer(int status) throws DrayException {
        new ResponseHeader(status, 0).write(buffer, 0);
        main().write(buffer.address(), ResponseHeader.BYTES);
    }

    private void takeConfig(Transport transport) throws DrayException {
        configBytes = document();
        MigrationConfig parsed = MigrationConfig.parse(configBytes);
        config = parsed;
        if (transport == Transport.LOCAL && !CaptureRoute.isHandedOver(parsed.vmConfig())) {
            throw new RefusedException(
                    "The VMM hands over a file that it has mapped privately: what the guest has written is not in it",
                    "migrate the VM without local=on, or start it with shared=on for each memory zone");
        }
        PageDestination pages = store.pages(parsed.memory());
        if (transport == Transport.LOCAL) {
            local.open(parsed, pages);
            if (owner.copiesLive()) {
                owner.phase("memory");
                local.copyLive();
                owner.phase("changes");
                local.copyChanges(owner.copyDeadline());
            }
        } else {
            owner.phase("memory");
            stream = new StreamMemory(parsed, pages, pace);
            connections.open(stream);
        }
    }

    private void finish(Transport transport) throws DrayException {
        owner.standing();
        owner.phase("pause");
        switch (transport) {
            case LOCAL -> local.finish(plan.preserved());
            case PULL -> stream().pull(connections.fault().orElseThrow(), stateBytes, this::check);
            case STREAM, UNKNOWN -> stream().checkThatSomethingCame();
        }
        owner.complete(received(transport));
    }

    private void storeAll(Transport transport) throws DrayException {
        owner.phase("store");
        if (transport == Transport.LOCAL) {
            local.store();
        } else {
            stream().drain();
        }
        owner.store(received(transport));
    }

    private Received received(Transport transport) {
        MigrationConfig known = config;
        if (known == null) {
            throw new IllegalStateException("no Config yet");
        }
        boolean near = listener.endpoint() instanceof Endpoint.Unix;
        return new Received(known, configBytes, stateBytes, ran, transport, near);
    }

    /// Reads the document that the request announced; how long it may be was checked with the request.
    private byte[] document() throws DrayException {
        int bytes = Math.toIntExact(header.length());
        if (bytes == 0) {
            return new byte[0];
        }
        MemorySegment memory = NativeMemory.map(bytes); // pages of it come as it arrives
        try {
            main().readFully(memory.address(), bytes);
            return memory.toArray(ValueLayout.JAVA_BYTE);
        } finally {
            NativeMemory.unmap(memory);
        }
    }

    private void checkCancelled() throws InterruptedOperation {
        if (watch.cancelled()) {
            throw new InterruptedOperation("Interrupted; nothing of the capture is kept", "");
        }
    }

    /// Whether to go on with what the sender waits for.
    private void check() throws DrayException {
        if (answered) {
            checkCancelled();
            return;
        }
        checkCancelled();
        if (!main().isQuiet()) {
            mainEnded = true;
            throw new PeerException(
                    "The VMM ended its migration while it waited for an answer",
                    "see its log; a VM whose capture fails goes on by itself");
        }
    }

    private Connection main() {
        Connection open = main;
        if (open == null) {
            throw new IllegalStateException("no connection yet");
        }
        return open;
    }

    private StreamMemory stream() {
        StreamMemory open = stream;
        if (open == null) {
            throw new IllegalStateException("no memory is expected");
        }
        return open;
    }

    @Override
    public void close() {
        connections.close();
        local.close();
        NativeMemory.unmap(buffer);
    }
}
