package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.WriterOptions;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.Endpoint;

/// Carries out a [Receive]: joins a migration that comes in to a writer of snapshots.
final class ReceiveRun {
    private ReceiveRun() {}

    static Captured run(Receive request, Endpoint endpoint, Progress progress)
            throws DrayException, OperationException {
        var watch = new ProgressWatch(progress);
        watch.phase("opening the repository");
        try (var repository = RepositoryOpener.open(request.repository(), progress);
                var writer = repository.writer(
                        WriterOptions.of(request.name()).with(CompressionChoice.of(request.compression())))) {
            var record = new CaptureRecord(writer, request.labels());
            var ticker = record.follow(watch);
            Thread rehearsal = Thread.ofPlatform().name("rehearsal").start(() -> rehearse(repository));
            double startMs = ProcessClock.sinceStartMs();
            try {
                long from = System.nanoTime();
                CaptureReport report = Migrations.receive(endpoint, record, watch);
                double elapsedMs = (System.nanoTime() - from) / 1e6;
                return record.captured(repository, report, startMs, elapsedMs, watch, progress);
            } catch (GuestException e) {
                throw new OperationException(record.told(e.failure()), GuestFates.of(e.guest()));
            } finally {
                ticker.interrupt();
                Threads.join(rehearsal);
            }
        }
    }

    /// While the VMM is waited for: it keeps its guest standing until all of it is stored.
    private static void rehearse(Repository repository) {
        try {
            repository.rehearse();
        } catch (DrayException | RuntimeException | OutOfMemoryError e) {
            // What fails here fails in earnest later, and is told then.
            System.getLogger(ReceiveRun.class.getName()).log(System.Logger.Level.DEBUG, "no rehearsal", e);
        }
    }
}
