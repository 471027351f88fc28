package dev.dray.vmm.qemu;

import static dev.dray.vmm.qemu.RestoreCourse.Event.*;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.vmm.CaptureReport.PhaseTime;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Threads;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.qemu.RestoreCourse.Effect;
import dev.dray.vmm.qemu.RestoreCourse.Event;
import dev.dray.vmm.qemu.RestoreCourse.State;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.RamBlocks;
import dev.dray.vmm.qemu.wire.StreamWriter;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Drives one eager restore along [RestoreCourse].
///
/// Threads: the caller's runs the loop; the stream is written by a thread of its own that only posts events.
final class QemuRestore {
    private static final int EVENTS_MAX = 256;
    private static final int DECODERS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

    private final QmpClient qmp;
    private final QemuFacts facts;
    private final RestoreImage image;
    private final CapturedStream state;
    private final GuestMemoryMap memory;
    private final OperationWatch watch;
    private final PrivateSocket socket;
    private final QemuProcess process;
    private final BlockingQueue<Event> events = new ArrayBlockingQueue<>(EVENTS_MAX);
    private final long started = System.nanoTime();
    private final List<SocketChannel> connections = new CopyOnWriteArrayList<>();
    private final int channels;
    private final MultifdBarrier barrier;
    private boolean everyZero;
    private volatile long sentNanos;
    private volatile long sentBytes;
    private volatile @Nullable RestoreStream pages;

    /// @param memory the snapshot's map with the waiting machine's names, [RestoreCheck]
    /// @param channels further connections that QEMU was told to expect; 0 for none
    QemuRestore(
            QmpClient qmp,
            QemuFacts facts,
            RestoreImage image,
            CapturedStream state,
            GuestMemoryMap memory,
            OperationWatch watch,
            PrivateSocket socket,
            QemuProcess process,
            int channels) {
        this.qmp = qmp;
        this.facts = facts;
        this.image = image;
        this.state = state;
        this.memory = memory;
        this.watch = watch;
        this.socket = socket;
        this.process = process;
        this.channels = channels;
        this.barrier = MultifdBarrier.of(facts.machine(), facts.version());
    }

    RestoreReport run(boolean paused) throws GuestException {
        qmp.listen(this::onQmp);
        boolean runs = !paused && MachineFacts.ran(image.facts());
        Thread sender = null;
        State end;
        try {
            everyZero = mayHoldOldContent();
            listen();
            if (paused) {
                qmp.execute("stop");
            }
            open(); // at once: newer ones do not answer QMP while a connection says nothing
            watch.phase("sending memory");
            sender = Thread.ofPlatform().name("stream").start(this::send);
            end = loop(runs);
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN);
        } finally {
            closeStream();
            Threads.join(sender);
        }
        return switch (end) {
            case State.Done(var guest) -> report(guest);
            case State.Failed(var reason, var guest) -> throw new GuestException(reason, guest);
            default -> throw new IllegalStateException("a restore ended in " + end);
        };
    }

    private RestoreReport report(Whereabouts guest) {
        double all = (System.nanoTime() - started) / 1e6;
        double sent = (sentNanos - started) / 1e6;
        return new RestoreReport(
                facts.vmm(),
                guest,
                all,
                all,
                sentBytes,
                List.of(new PhaseTime("memory", sent), new PhaseTime("devices", all - sent)),
                Optional.empty());
    }

    private State loop(boolean runs) {
        State state = RestoreCourse.begin();
        long entered = System.nanoTime();
        long progress = 0;
        boolean toldCancelled = false;
        while (!(state instanceof State.Done || state instanceof State.Failed)) {
            Event event = poll();
            if (event == null && watch.cancelled() && !toldCancelled) {
                toldCancelled = true;
                event = new Cancelled(
                        new InterruptedOperation("Interrupted; the waiting QEMU has to be started again", ""));
            }
            if (state instanceof State.Sending && progress != progress()) {
                progress = progress();
                entered = System.nanoTime();
            }
            Optional<Duration> patience = RestoreCourse.patience(state);
            boolean stuck = event instanceof StatusSeen(var word) && word.equals("inmigrate");
            if ((event == null || stuck)
                    && patience.isPresent()
                    && System.nanoTime() - entered > patience.get().toNanos()) {
                event = new PatienceEnded();
            }
            if (event == null) {
                continue;
            }
            var step = RestoreCourse.next(runs, state, event);
            if (step.state().getClass() != state.getClass()) {
                entered = System.nanoTime();
            }
            state = step.state();
            step.effects().forEach(this::perform);
        }
        return state;
    }

    private long progress() {
        RestoreStream stream = pages;
        return stream == null ? 0 : stream.progress();
    }

    private @Nullable Event poll() {
        try {
            Event event = events.poll(50, TimeUnit.MILLISECONDS);
            return event instanceof QemuLost ? new QemuLost(process.isGone(Duration.ofSeconds(2))) : event;
        } catch (InterruptedException e) {
            return new Cancelled(new InterruptedOperation("Interrupted; the waiting QEMU has to be started again", ""));
        }
    }

    private void perform(Effect effect) {
        try {
            switch (effect) {
                case CLOSE_STREAM -> closeStream();
                case CONTINUE_GUEST -> {
                    if (qmp.ask("cont", JsonMapper.shared().createObjectNode())
                            instanceof QmpReply.Refused(var reason)) {
                        post(new ContinueRefused(reason));
                    }
                }
                case ASK_STATUS -> post(new StatusSeen(QemuFacts.status(qmp)));
                case ASK_REASON ->
                    post(new ReasonSeen(
                            qmp.execute("query-migrate").path("error-desc").asString("")));
            }
        } catch (PeerException e) {
            // The control connection is gone: its own event follows.
        }
    }

    private void onQmp(QmpEvent event) {
        switch (event.name()) {
            case "MIGRATION" ->
                post(new MigrationStatus(event.data().path("status").asString("")));
            case QmpEvent.CONNECTION_LOST -> post(new QemuLost(false));
            default -> {}
        }
    }

    private void post(Event event) {
        if (!events.offer(event)) {
            throw new IllegalStateException("more than " + EVENTS_MAX + " events wait");
        }
    }

    /// Has QEMU listen. If it refuses, nothing of it was touched.
    private void listen() throws DrayException {
        var arguments = JsonMapper.shared().createObjectNode();
        arguments.put("uri", socket.uri()).put("exit-on-error", false);
        if (qmp.ask("migrate-incoming", arguments) instanceof QmpReply.Refused(var reason)) {
            if (reason.contains("exit-on-error")) {
                arguments.remove("exit-on-error"); // which older ones do not know
                if (!(qmp.ask("migrate-incoming", arguments) instanceof QmpReply.Refused(var again))) {
                    return;
                }
                reason = again;
            }
            throw new RefusedException(
                    "This QEMU does not take a guest: " + reason,
                    "start it again with -incoming defer, so that Dray can choose the connection");
        }
    }

    /// A further connection to QEMU; the first is the main one.
    private SocketChannel open() throws PeerException {
        try {
            var connection = SocketChannel.open(StandardProtocolFamily.UNIX);
            connections.add(connection);
            connection.connect(UnixDomainSocketAddress.of(socket.path()));
            return connection;
        } catch (IOException e) {
            throw new PeerException("QEMU does not listen at " + socket.path() + ": " + e.getMessage(), "", e);
        }
    }

    private void send() {
        try {
            SocketChannel main = connections.getFirst();
            write(new StreamWriter(new SocketBytes(main)));
            for (SocketChannel connection : connections) {
                connection.shutdownOutput();
            }
            sentNanos = System.nanoTime();
            post(new StreamSent());
        } catch (DrayException e) {
            post(new StreamBroke(e));
        } catch (IOException e) {
            post(new StreamBroke(new PeerException("The migration connection broke: " + e.getMessage(), "", e)));
        } catch (RuntimeException | Error e) {
            post(new StreamBroke(new MachineException("A defect in Dray stopped the restore: " + e, "report it", e)));
        }
    }

    private void write(StreamWriter to) throws DrayException {
        boolean multifd = channels > 0;
        boolean flush = multifd && barrier == MultifdBarrier.FLUSH_RECORD;
        to.header();
        to.flush(); // QEMU 11 answers no QMP command until it has seen what kind of connection this is
        var lanes = new ArrayList<RestoreLane>();
        try {
            if (multifd) {
                hello(to, lanes);
            } else {
                for (int i = 0; i < DECODERS + 1; i++) {
                    lanes.add(new RestoreLane.Main(to));
                }
            }
            to.configuration(state.configuration());
            to.sections(state.setupSections());
            to.memoryStart(new RamBlocks(state.blocks().sectionId(), memory), flush);
            to.sections(state.earlySections());
            to.flush();
            sync(lanes);
            to.beginEnd();
            var stream = new RestoreStream(image, memory, everyZero, watch);
            pages = stream;
            stream.send(lanes);
            sentBytes = stream.sentBytes();
            sync(lanes);
        } finally {
            lanes.forEach(RestoreLane::close);
        }
        if (flush) {
            to.multifdFlush();
        }
        to.endSection();
        to.sections(state.deviceSections());
        to.endOfSections();
        to.description(state.description());
        to.flush();
    }

    private void hello(StreamWriter to, List<RestoreLane> lanes) throws DrayException {
        for (int i = 0; i < channels; i++) {
            var lane = new RestoreLane.Multifd(to, open(), i, memory);
            lanes.add(lane);
            lane.packets().hello();
        }
    }

    /// The further connections' part of a barrier; the main one's follows.
    private static void sync(List<RestoreLane> lanes) throws PeerException {
        for (RestoreLane lane : lanes) {
            if (lane instanceof RestoreLane.Multifd multifd) {
                multifd.packets().sync();
            }
        }
    }

    /// Memory that a file backs may hold what an earlier guest left there; only then do zero pages matter.
    private boolean mayHoldOldContent() throws PeerException {
        var arguments = JsonMapper.shared().createObjectNode().put("path", "/objects");
        return !(qmp.ask("qom-list", arguments) instanceof QmpReply.Value(var objects))
                || objects.toString().contains("memory-backend-file");
    }

    private void closeStream() {
        for (SocketChannel connection : connections) {
            try {
                connection.close();
            } catch (IOException e) {
                // QEMU sees the end of the connection all the same.
            }
        }
    }
}
