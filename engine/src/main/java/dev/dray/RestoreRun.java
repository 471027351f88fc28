package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageReader;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.SnapshotReader;
import dev.dray.state.MachineState;
import dev.dray.vmm.DiskPledge;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Carries out a [Restore]: joins a reader of snapshots to a waiting virtual machine.
final class RestoreRun {
    private RestoreRun() {}

    static Restored run(Restore request, Progress progress) throws OperationException {
        try {
            return run(request, progress, new ProgressWatch(progress));
        } catch (GuestException e) {
            throw new OperationException(e.failure(), GuestFates.of(e.guest()));
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }

    private static Restored run(Restore request, Progress progress, ProgressWatch watch)
            throws DrayException, GuestException {
        var address = VmAddress.parse(request.into());
        var state = StateDirectory.open();
        watch.phase("opening the snapshot");
        try (var repository = RepositoryOpener.open(request.repository(), progress)) {
            Snapshot snapshot = repository.find(request.snapshot());
            try (var reader = repository.reader(snapshot);
                    var _ = VmLock.take(state, address);
                    var vm = VirtualMachines.at(address);
                    var _ = VmLock.take(state, address, vm.identity())) {
                var journal = VmJournal.of(state, address);
                vm.putBack(journal).ifPresent(watch::warning);
                double startMs = ProcessClock.sinceStartMs();
                long from = System.nanoTime();
                RestoreReport report = vm.restore(order(request, snapshot), new Image(reader), journal, watch);
                double elapsedMs = (System.nanoTime() - from) / 1e6;
                return restored(snapshot, report, startMs, elapsedMs, watch);
            }
        }
    }

    private static RestoreOrder order(Restore request, Snapshot snapshot) {
        DiskPledge pledge = switch (request.disks()) {
            case Restore.DisksCheck.Nothing _ -> new DiskPledge.Silent();
            case Restore.DisksCheck.PutBack(var ids) -> new DiskPledge.PutBack(ids);
            case Restore.DisksCheck.Unchecked _ -> new DiskPledge.Unchecked();
        };
        return new RestoreOrder(
                request.paused(),
                request.mapBlock(),
                pledge,
                snapshot.manifest().taken(),
                List.of(),
                Optional.empty());
    }

    private static Restored restored(
            Snapshot snapshot, RestoreReport report, double startMs, double elapsedMs, ProgressWatch watch) {
        var manifest = snapshot.manifest();
        return new Restored(
                snapshot.id(),
                manifest.name(),
                manifest.number(),
                GuestFates.of(report.guest()),
                report.vmm(),
                "eager",
                startMs,
                elapsedMs,
                report.resumeMs(),
                report.residentMs(),
                manifest.counters().memoryBytes(),
                manifest.counters().zeroBytes(),
                report.sentBytes(),
                manifest.counters().storedBytes(),
                CaptureRun.phases(report.phases()),
                watch.warnings());
    }

    /// A snapshot as a dialect wants it.
    private record Image(SnapshotReader reader) implements RestoreImage {
        @Override
        public GuestMemoryMap memory() {
            return reader.manifest().memory();
        }

        @Override
        public MachineState state() throws DrayException {
            return reader.state();
        }

        @Override
        public JsonNode facts() {
            return reader.manifest().facts();
        }

        @Override
        public PageReader pageReader() {
            return reader.pageReader();
        }
    }
}
