package dev.dray;

import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.cloudhypervisor.CloudHypervisorReceiver;
import dev.dray.vmm.cloudhypervisor.CloudHypervisorSender;
import dev.dray.vmm.cloudhypervisor.Endpoint;

/// The only place that knows which dialects migrate to and from Dray without its driving their VMM.
final class Migrations {
    private Migrations() {}

    static CaptureReport receive(Endpoint listen, CaptureStore store, OperationWatch watch) throws GuestException {
        return CloudHypervisorReceiver.receive(listen, store, watch);
    }

    static RestoreReport send(
            Endpoint connect, int connections, RestoreOrder order, RestoreImage image, OperationWatch watch)
            throws GuestException {
        return CloudHypervisorSender.send(connect, connections, order, image, watch);
    }
}
