package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.PrivateDirectory;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.ApiClient.Answer;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Plan;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/// One capture over the API: tells the VMM to migrate its guest to a socket of Dray's, and receives it there.
final class CloudHypervisorCapture implements Reception.Owner {
    /// The VMM answers `vm.send-migration` before it connects, which it then does at once.
    private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(20);

    /// How long the VMM may take to notice that its migration has ended, in whatever way.
    private static final Duration SETTLE_PATIENCE = Duration.ofSeconds(30);

    private final ApiClient api;
    private final Path controlSocket;
    private final VmFacts facts;
    private final CaptureRoute route;
    private final CaptureOrder order;
    private final CaptureStore store;
    private final Journal journal;
    private final OperationWatch watch;
    private final OnPause onPause;
    private final Phases phases;
    private final boolean ran;
    private final boolean goesOn;
    private long stopped;
    private double pauseMs;
    private Instant taken = Instant.EPOCH;
    private boolean asked;
    private volatile boolean remembered;
    /// Whether a VMM that does not keep its guest has let go of its disks' locks.
    private boolean released;

    CloudHypervisorCapture(
            ApiClient api,
            Path controlSocket,
            VmFacts facts,
            CaptureRoute route,
            CaptureOrder order,
            CaptureStore store,
            Journal journal,
            OperationWatch watch) {
        this.api = api;
        this.controlSocket = controlSocket;
        this.facts = facts;
        this.route = route;
        this.order = order;
        this.store = store;
        this.journal = journal;
        this.watch = watch;
        this.phases = new Phases(watch, "prepare", " (" + route.mode().word() + ")");
        this.ran = facts.state().equals(VmFacts.RUNNING);
        this.goesOn = route.preserved() && order.after() == AfterCapture.RESUME;
        this.onPause = new OnPause(this::remember, order.onPause(), controlSocket.toString());
    }

    CaptureReport run() throws GuestException {
        receive();
        try {
            letGoAfterStoring();
        } catch (DrayException e) {
            throw new GuestException(e, facts.whereabouts(api));
        }
        return new CaptureReport(route.mode(), route.reason(), whereabouts(), pauseMs, phases.end());
    }

    private void receive() throws GuestException {
        boolean answered = false;
        try (var directory = PrivateDirectory.beside(controlSocket);
                var listener =
                        Listener.listen(new Endpoint.Unix(directory.path().resolve("stream")), watch::cancelled);
                var reception = new Reception(
                        listener, new Plan(goesOn), store, watch, this, new Pace(order.bytesPerSecond()));
                onPause) {
            directory.handOver();
            send(listener.endpoint());
            try {
                reception.run(CONNECT_PATIENCE);
            } finally {
                answered = reception.isAnswered();
            }
        } catch (DrayException e) {
            throw new GuestException(e, settle(answered));
        }
    }

    private void send(Endpoint to) throws DrayException {
        watch.phase("asking the VMM for its guest (" + route.mode().word() + ")");
        asked = true;
        Answer answer = api.put("vm.send-migration", route.request(to, order));
        if (!answer.isOk()) {
            asked = false;
            throw new RefusedException(
                    "Cloud Hypervisor cannot migrate this VM: " + answer.reason(),
                    "remove the device or option that it names");
        }
    }

    @Override
    public void phase(String name) {
        phases.begin(name);
    }

    @Override
    public long copyDeadline() {
        return System.nanoTime() + order.timeLimit().toNanos();
    }

    @Override
    public boolean copiesLive() {
        return route.mode() == CaptureMode.LIVE;
    }

    @Override
    public void stopping() {
        stopped = System.nanoTime();
        released = route.way() != CaptureRoute.Way.STREAM;
    }

    @Override
    public void standing() {
        if (route.way() == CaptureRoute.Way.STREAM) {
            stopped = System.nanoTime(); // the VMM does not say when it stopped its guest
        }
        released = true;
        taken = Instant.now();
        onPause.start();
    }

    private void remember() throws DrayException {
        if (goesOn && ran) {
            CaptureJournal.write(journal, facts);
            remembered = true;
        }
    }

    @Override
    public void complete(Received received) throws DrayException {
        if (!received.transport().name().equals(route.way().name())) {
            throw new PeerException(
                    "The VMM was asked for its memory by " + route.way() + " and gave it by " + received.transport(),
                    "report this");
        }
        onPause.await(() -> {
            if (watch.cancelled()) {
                throw new InterruptedOperation("Interrupted; nothing of the capture is kept", "");
            }
        });
    }

    @Override
    public void letGo() throws DrayException {
        if (goesOn && ran) {
            resume();
        }
        pauseMs = (System.nanoTime() - stopped) / 1e6;
        if (remembered) {
            journal.clear();
            remembered = false;
        }
    }

    /// The VMM takes it once its migration has ended, a moment after the last answer.
    private void resume() throws PeerException {
        long deadline = System.nanoTime() + SETTLE_PATIENCE.toNanos();
        Answer answer = api.put("vm.resume");
        while (!answer.isOk() && System.nanoTime() - deadline < 0) {
            if (isMigrationOver() && VmFacts.state(api).equals(VmFacts.RUNNING)) {
                return; // somebody else was faster
            }
            LockSupport.parkNanos(200_000);
            answer = api.put("vm.resume");
        }
        if (!answer.isOk()) {
            throw new PeerException(
                    "The VM does not go on after its capture: " + answer.reason(),
                    "let it go on with vm.resume, and see Cloud Hypervisor's log");
        }
    }

    @Override
    public void store(Received received) throws DrayException {
        var machine = received.captured(taken, route.mode(), facts.versions(), facts.buildVersion(), onPause.id());
        Storing.run(store, machine.timed(Phases.pause(pauseMs), phases.over()), watch);
    }

    /// What is left to do with a guest whose snapshot is stored.
    private void letGoAfterStoring() throws DrayException {
        if (order.after() == AfterCapture.QUIT && route.preserved()) {
            awaitEndOfMigration();
            Answer answer = api.put("vmm.shutdown");
            if (!answer.isOk()) {
                throw new PeerException("The VMM does not end: " + answer.reason(), "end it with vmm.shutdown");
            }
        }
        if (order.after() == AfterCapture.QUIT) {
            awaitEndOfVmm();
        }
    }

    /// A VMM that has handed its guest over ends itself.
    private void awaitEndOfVmm() {
        long deadline = System.nanoTime() + SETTLE_PATIENCE.toNanos();
        while (facts.isProcessThere() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(1_000_000);
        }
        if (facts.isProcessThere()) {
            watch.warning(
                    "the guest is stored, but its VMM has not ended within " + SETTLE_PATIENCE.toSeconds() + " s");
        }
    }

    private void awaitEndOfMigration() {
        long deadline = System.nanoTime() + SETTLE_PATIENCE.toNanos();
        while (!isMigrationOver() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    /// While it migrates its VM, the VMM refuses every other call, and `vm.info` shows what was before.
    private boolean isMigrationOver() {
        try {
            return api.get("vm.counters").isOk();
        } catch (PeerException e) {
            return true; // it is gone
        }
    }

    private Whereabouts whereabouts() {
        return switch (order.after()) {
            case QUIT -> Whereabouts.GONE;
            case PAUSE -> Whereabouts.PAUSED;
            case RESUME -> ran ? Whereabouts.RUNNING : Whereabouts.PAUSED;
        };
    }

    /// Where the guest is after a failure. A VMM whose migration fails lets its guest run on by itself; that
    /// takes a moment.
    private Whereabouts settle(boolean answered) {
        if (!asked) {
            return VmFacts.whereabouts(facts.state());
        }
        if (answered && !route.preserved()) {
            return whereTheAnswerLeftIt();
        }
        if (!answered && !route.preserved() && released) {
            List<String> disks = Disks.writable(facts.config()).stream()
                    .map(disk -> disk.device())
                    .toList();
            if (!disks.isEmpty()) {
                watch.warning("the VMM has let go of the locks on its disks (" + String.join(", ", disks)
                        + ") and does not take them again: let no other VM use them until this one ends");
            }
        }
        awaitEndOfMigration();
        if (goesOn && ran && VmFacts.state(api).equals(VmFacts.PAUSED)) {
            try {
                resume();
            } catch (PeerException e) {
                watch.warning(String.valueOf(e.getMessage()));
            }
        }
        Whereabouts guest = facts.whereabouts(api);
        if (remembered && guest == Whereabouts.RUNNING) {
            forget();
        }
        return guest;
    }

    /// Whoever pauses a guest that goes on wants it paused.
    private void forget() {
        try {
            journal.clear();
        } catch (MachineException e) {
            watch.warning(String.valueOf(e.getMessage()));
        }
    }

    /// A VMM that did not hear the last answer has its guest again; one that did has none, and ends.
    private Whereabouts whereTheAnswerLeftIt() {
        long deadline = System.nanoTime() + SETTLE_PATIENCE.toNanos();
        while (isMigrating() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(5_000_000);
        }
        String state = VmFacts.state(api);
        return state.isEmpty() ? Whereabouts.GONE : VmFacts.whereabouts(state);
    }

    private boolean isMigrating() {
        try {
            return !api.get("vm.counters").isOk() && !VmFacts.state(api).isEmpty();
        } catch (PeerException e) {
            return false;
        }
    }
}
