package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Whereabouts;
import java.time.Duration;

/// Gives a guest to a Cloud Hypervisor that somebody else told to receive one: in place of the VMM's own
/// `offload_daemon restore`.
public final class CloudHypervisorSender {
    private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(30);

    private CloudHypervisorSender() {}

    /// Sends the guest and returns when it is there, of a lazy restore when it needs Dray no more.
    ///
    /// @param connect where the VMM listens, or will before long
    /// @param connections over how many connections memory goes that cannot be handed over; 0 for as many as help
    public static RestoreReport send(
            Endpoint connect, int connections, RestoreOrder order, RestoreImage image, OperationWatch watch)
            throws GuestException {
        Versions versions = Versions.of("");
        SendPlan plan;
        try {
            plan = SendPlan.of(order, image, connect instanceof Endpoint.Unix, versions);
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN); // no VMM was spoken to
        }
        var sender = new GuestSender(plan, image, connect, connections, CONNECT_PATIENCE, watch);
        try {
            return sender.run(versions.vmm(), () -> {}); // it listens, or will
        } catch (GuestException e) {
            throw sender.isConnected() ? e : new GuestException(e.failure(), Whereabouts.UNKNOWN);
        }
    }
}
