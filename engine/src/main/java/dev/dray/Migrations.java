package dev.dray;

import dev.dray.error.UsageException;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.Endpoint;

/// The only place that knows which dialects migrate to and from Dray without its driving their VMM.
final class Migrations {
    private Migrations() {}

    static CaptureReport receive(Endpoint listen, CaptureStore store, OperationWatch watch) throws GuestException {
        notYet(listen);
        throw new IllegalStateException();
    }

    static RestoreReport send(
            Endpoint connect, int connections, RestoreOrder order, RestoreImage image, OperationWatch watch)
            throws GuestException {
        notYet(connect);
        throw new IllegalStateException();
    }

    private static void notYet(Endpoint endpoint) throws GuestException {
        throw new GuestException(
                new UsageException("Migrations over " + endpoint + " are not in this release", ""),
                Whereabouts.UNKNOWN);
    }
}
