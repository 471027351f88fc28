package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.VirtualMachine;
import dev.dray.vmm.Whereabouts;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A Cloud Hypervisor, reached by its API socket.
public final class CloudHypervisorMachine implements VirtualMachine {
    private final ApiClient api;
    private final Path controlSocket;
    private final VmFacts facts;

    private CloudHypervisorMachine(ApiClient api, Path controlSocket, VmFacts facts) {
        this.api = api;
        this.controlSocket = controlSocket;
        this.facts = facts;
    }

    /// Reaches the Cloud Hypervisor behind an API socket; changes nothing.
    public static CloudHypervisorMachine at(Path controlSocket) throws RefusedException {
        ApiClient api = new ApiClient(controlSocket);
        try {
            return new CloudHypervisorMachine(api, controlSocket, VmFacts.ask(api));
        } catch (dev.dray.error.PeerException e) {
            throw new RefusedException(String.valueOf(e.getMessage()), e.whatToDo(), e);
        }
    }

    @Override
    public Optional<String> identity() {
        return facts.identity();
    }

    @Override
    public List<Finding> examine(Journal journal) throws DrayException {
        VmFacts now = VmFacts.ask(api);
        return Examination.of(now, LazyJournal.isLeft(journal, now));
    }

    @Override
    public Optional<String> putBack(Journal journal) throws DrayException {
        return CaptureJournal.putBack(journal, api);
    }

    @Override
    public CaptureReport capture(CaptureOrder order, CaptureStore store, Journal journal, OperationWatch watch)
            throws GuestException {
        Whereabouts guest = VmFacts.whereabouts(facts.state());
        try {
            VmFacts now = VmFacts.ask(api);
            guest = VmFacts.whereabouts(now.state());
            CaptureRoute route = CaptureRoute.of(order, now);
            warn(now, order, watch);
            return new CloudHypervisorCapture(api, controlSocket, now, route, order, store, journal, watch).run();
        } catch (DrayException e) {
            throw new GuestException(e, guest);
        }
    }

    private static void warn(VmFacts facts, CaptureOrder order, OperationWatch watch) {
        if (order.onPause().isEmpty()) {
            for (GuestDisk disk : Disks.writable(facts.config())) {
                watch.warning(
                        "disk " + disk.device() + " (" + disk.file() + ") is not captured: restored memory needs it"
                                + " as it is now; use --on-pause to snapshot it");
            }
        }
    }

    @Override
    public RestoreReport restore(RestoreOrder order, RestoreImage image, Journal journal, OperationWatch watch)
            throws GuestException {
        return new CloudHypervisorRestore(api, controlSocket, order, image, journal, watch).run();
    }

    @Override
    public void close() {
        // Each call to the API has a connection of its own.
    }
}
