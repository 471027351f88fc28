package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Plan;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Transport;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/// Receives a guest from a Cloud Hypervisor that somebody else tells to migrate: `vm.send-migration` to the
/// place where Dray listens. How memory comes is seen by what arrives, and the last answer is given only once
/// all is stored.
///
/// What becomes of the guest then its VMM knows: it ends it, or keeps it standing still if it was told to
/// preserve it.
public final class CloudHypervisorReceiver implements Reception.Owner {
    /// It is the control plane's business when the VMM connects.
    private static final Duration CONNECT_PATIENCE = Duration.ofDays(3650);

    /// How long memory may be copied from a guest that runs.
    private static final Duration LIVE_LIMIT = Duration.ofMinutes(5);

    private final CaptureStore store;
    private final OperationWatch watch;
    private final Phases phases;
    private long stopped;
    private double pauseMs;
    private Instant taken = Instant.EPOCH;
    private Transport transport = Transport.UNKNOWN;

    private CloudHypervisorReceiver(CaptureStore store, OperationWatch watch) {
        this.store = store;
        this.watch = watch;
        this.phases = new Phases(watch, "wait", "");
    }

    /// Waits for one guest and receives it.
    public static CaptureReport receive(Endpoint listen, CaptureStore store, OperationWatch watch)
            throws GuestException {
        try (Listener listener = Listener.listen(listen, watch::cancelled)) {
            watch.phase("waiting for a VMM at " + listener.endpoint());
            return receive(listener, store, watch);
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN);
        }
    }

    static CaptureReport receive(Listener listener, CaptureStore store, OperationWatch watch) throws GuestException {
        var receiver = new CloudHypervisorReceiver(store, watch);
        try (var reception =
                new Reception(listener, new Plan(false), store, watch, receiver, new Pace(OptionalLong.empty()))) {
            reception.run(CONNECT_PATIENCE);
            return new CaptureReport(
                    receiver.mode(), receiver.reason(), Whereabouts.UNKNOWN, receiver.pauseMs, receiver.phases.end());
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN);
        }
    }

    private CaptureMode mode() {
        return transport == Transport.PULL ? CaptureMode.STOP : CaptureMode.LIVE;
    }

    private String reason() {
        return switch (transport) {
            case LOCAL -> "the VMM handed its guest's memory over";
            case PULL -> "the VMM stopped its guest before its memory was read";
            case STREAM, UNKNOWN -> "the VMM sent its guest's memory while it ran";
        };
    }

    @Override
    public void phase(String name) {
        phases.begin(name);
    }

    @Override
    public long copyDeadline() {
        return System.nanoTime() + LIVE_LIMIT.toNanos();
    }

    @Override
    public boolean copiesLive() {
        return true;
    }

    @Override
    public void stopping() {
        stopped = System.nanoTime();
    }

    @Override
    public void standing() {
        taken = Instant.now();
    }

    @Override
    public void complete(Received received) {
        transport = received.transport();
        if (transport == Transport.STREAM) {
            stopped = System.nanoTime(); // the VMM does not say when it stopped its guest
        }
    }

    @Override
    public void letGo() {
        pauseMs = (System.nanoTime() - stopped) / 1e6;
    }

    @Override
    public void store(Received received) throws DrayException {
        var machine = received.captured(taken, mode(), Versions.of(""), "", Optional.empty());
        Storing.run(store, machine.timed(Phases.pause(pauseMs), phases.over()), watch);
    }
}
