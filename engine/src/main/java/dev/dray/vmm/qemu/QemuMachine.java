package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.DiskCheck;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.VirtualMachine;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.qemu.wire.CapturedStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A QEMU, reached by a QMP socket.
public final class QemuMachine implements VirtualMachine {
    /// How long a QMP socket may take to greet: QEMU does so in a millisecond unless its main loop is busy.
    private static final Duration GREETING_PATIENCE = Duration.ofSeconds(5);

    /// How long a QEMU whose control connection has ended may take to end itself.
    private static final Duration EXIT_PATIENCE = Duration.ofSeconds(2);

    /// More threads than this do not put pages in place faster on any machine that was measured.
    private static final int RESTORE_CHANNELS_MAX = 4;

    /// Below this, further connections cost more than they gain.
    private static final long MULTIFD_BYTES_MIN = 64L << 20;

    private final QmpClient qmp;
    private final Path controlSocket;
    private final QemuProcess process;

    private QemuMachine(QmpClient qmp, Path controlSocket, QemuProcess process) {
        this.qmp = qmp;
        this.controlSocket = controlSocket;
        this.process = process;
    }

    /// Reaches the QEMU behind a QMP socket; changes nothing.
    public static QemuMachine at(Path controlSocket) throws RefusedException {
        var qmp = QmpClient.connect(controlSocket, GREETING_PATIENCE);
        return new QemuMachine(qmp, controlSocket, QemuProcess.listeningOn(controlSocket));
    }

    @Override
    public Optional<String> identity() {
        return Optional.of(process.identity()).filter(known -> !known.isEmpty());
    }

    @Override
    public List<Finding> examine(Journal journal) throws DrayException {
        return Examination.of(QemuFacts.ask(qmp), process);
    }

    @Override
    public Optional<String> putBack(Journal journal) throws DrayException {
        return MigrationSettings.putBackPending(qmp, journal, process.identity());
    }

    @Override
    public CaptureReport capture(CaptureOrder order, CaptureStore store, Journal journal, OperationWatch watch)
            throws GuestException {
        var settings = new MigrationSettings(qmp, journal, process.identity());
        Whereabouts guest = Whereabouts.UNKNOWN;
        boolean ended = false;
        try (var socket = PrivateSocket.beside(controlSocket)) {
            var facts = QemuFacts.ask(qmp);
            guest = CaptureCourse.fromStatus(facts.status());
            CaptureChoice choice = choose(order, facts, settings);
            warn(facts, order, watch);
            CaptureReport report =
                    new QemuCapture(qmp, facts, choice, order, settings, store, watch, socket, process).run();
            ended = report.guest() == Whereabouts.GONE;
            if (report.guest() == Whereabouts.PAUSED && order.after() == AfterCapture.RESUME) {
                warnIfNotAsBefore(watch);
            }
            return report;
        } catch (DrayException e) {
            throw new GuestException(e, guest);
        } finally {
            putBack(settings, ended, watch);
        }
    }

    private void warnIfNotAsBefore(OperationWatch watch) {
        try {
            if (QemuFacts.status(qmp).equals(CaptureChoice.AFTER_MIGRATION)) {
                watch.warning("this QEMU leaves a guest that stood still in the state postmigrate: it goes on with"
                        + " cont, and cannot be captured again before that");
            }
        } catch (PeerException _) {
            // The snapshot is published; who asks this QEMU next is told what is wrong with it.
        }
    }

    private CaptureChoice choose(CaptureOrder order, QemuFacts facts, MigrationSettings settings) throws DrayException {
        Optional<NoBackground> none = NoBackground.danger(facts.version(), process.confinement());
        CaptureChoice choice = CaptureChoice.of(order, facts, none);
        if (choice.plan().mode() == CaptureMode.BACKGROUND) {
            none = settings.apply(Set.of("events", "background-snapshot"), parameters(choice.plan(), order))
                    .map(NoBackground::saidQemu);
            choice = CaptureChoice.of(order, facts, none);
        }
        if (choice.plan().mode() != CaptureMode.BACKGROUND) {
            Optional<String> reason = settings.apply(Set.of("events", "return-path"), parameters(choice.plan(), order));
            if (reason.isPresent()) {
                throw new RefusedException(
                        "QEMU does not take the settings for a capture: " + reason.get(),
                        "see query-migrate-capabilities and query-migrate-parameters");
            }
        }
        return choice;
    }

    private static Map<String, JsonNode> parameters(CapturePlan plan, CaptureOrder order) {
        var map = new TreeMap<String, JsonNode>();
        QemuCapture.parameters(plan, order).properties().forEach(each -> map.put(each.getKey(), each.getValue()));
        return map;
    }

    private static void warn(QemuFacts facts, CaptureOrder order, OperationWatch watch) {
        if (order.onPause().isEmpty()) {
            for (GuestDisk disk : facts.disks()) {
                watch.warning(
                        "disk " + disk.device() + " (" + disk.file() + ") is not captured: restored memory needs it"
                                + " as it is now; use --on-pause to snapshot it");
            }
        }
    }

    @Override
    public RestoreReport restore(RestoreOrder order, RestoreImage image, Journal journal, OperationWatch watch)
            throws GuestException {
        var settings = new MigrationSettings(qmp, journal, process.identity());
        Whereabouts guest = Whereabouts.UNKNOWN;
        QemuFacts facts;
        GuestMemoryMap memory;
        CapturedStream state;
        try {
            facts = QemuFacts.ask(qmp);
            if (!facts.status().equals("inmigrate")) {
                guest = CaptureCourse.fromStatus(facts.status()); // another one, that lives there
            }
            state = stream(image);
            memory = RestoreCheck.check(
                    image.memory(), state.configuration().machineType(), image.facts(), order.regionNames(), facts);
            DiskCheck.check(image.facts().path(MachineFacts.DISKS), facts.disks(), order.disks(), order.taken());
        } catch (DrayException e) {
            throw new GuestException(e, guest);
        }
        try (var socket = PrivateSocket.beside(controlSocket)) {
            socket.handOver();
            int channels = channels(settings, memory);
            return new QemuRestore(qmp, facts, image, state, memory, watch, socket, process, channels)
                    .run(order.paused());
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN);
        } finally {
            putBack(settings, false, watch);
        }
    }

    /// Sets what a restore needs, and says over how many further connections it goes: QEMU then puts
    /// pages in place with a thread for each.
    private static int channels(MigrationSettings settings, GuestMemoryMap memory) throws DrayException {
        int wanted = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, RESTORE_CHANNELS_MAX);
        if (wanted > 1 && memory.bytes() >= MULTIFD_BYTES_MIN) {
            var parameters = new TreeMap<String, JsonNode>();
            parameters.put(
                    "multifd-channels", JsonMapper.shared().getNodeFactory().numberNode(wanted));
            parameters.put(
                    "multifd-compression", JsonMapper.shared().getNodeFactory().stringNode("none"));
            if (settings.apply(Set.of("events", "multifd"), parameters).isEmpty()) {
                return wanted;
            }
        }
        Optional<String> reason = settings.apply(Set.of("events"), Map.of());
        if (reason.isPresent()) {
            throw new RefusedException("QEMU does not take the settings for a restore: " + reason.get(), "");
        }
        return 0;
    }

    private static CapturedStream stream(RestoreImage image) throws DrayException {
        String dialect = image.state().dialect();
        if (!dialect.equals(CapturedStream.DIALECT)) {
            throw new RefusedException(
                    "The snapshot is of a guest of " + dialect + ", not of QEMU",
                    "restore it into a VMM of the kind that it came from");
        }
        try {
            return CapturedStream.of(image.state());
        } catch (PeerException e) {
            throw new MachineException(
                    "The snapshot's machine state cannot be read: " + e.getMessage(), "verify the snapshot", e);
        }
    }

    /// Puts the settings back once QEMU's own migration has ended; those of a QEMU that is gone went with it.
    /// Does so also when the user asks to stop.
    private void putBack(MigrationSettings settings, boolean gone, OperationWatch watch) {
        try {
            if (gone || process.isGone(Duration.ZERO)) {
                settings.forget();
                return;
            }
            try {
                settings.putBack();
            } catch (PeerException e) {
                if (!process.isGone(EXIT_PATIENCE)) {
                    throw e;
                }
                settings.forget();
            }
        } catch (DrayException e) {
            watch.warning("the migration settings could not be put back, dray doctor tries again: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        qmp.close();
    }
}
