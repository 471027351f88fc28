package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.cloudhypervisor.Endpoint;

/// Carries out a [Send]: joins a reader of snapshots to a VMM that receives a migration.
final class SendRun {
    private SendRun() {}

    static Restored run(Send request, Endpoint endpoint, Progress progress) throws DrayException, OperationException {
        var watch = new ProgressWatch(progress);
        try (var source = RestoreSource.open(request.wish(), progress, watch)) {
            double startMs = ProcessClock.sinceStartMs();
            long from = System.nanoTime();
            RestoreReport report =
                    Migrations.send(endpoint, request.connections(), source.order(), source.image(), watch);
            double elapsedMs = (System.nanoTime() - from) / 1e6;
            return source.restored(report, startMs, elapsedMs);
        } catch (GuestException e) {
            throw new OperationException(e.failure(), GuestFates.of(e.guest()));
        }
    }
}
