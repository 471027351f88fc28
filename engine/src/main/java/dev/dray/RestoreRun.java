package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.RestoreReport;

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
        try (var source = RestoreSource.open(request.wish(), progress, watch);
                var _ = VmLock.take(state, address);
                var vm = VirtualMachines.at(address);
                var _ = VmLock.take(state, address, vm.identity())) {
            var journal = VmJournal.of(state, address);
            vm.putBack(journal).ifPresent(watch::warning);
            double startMs = ProcessClock.sinceStartMs();
            long from = System.nanoTime();
            RestoreReport report = vm.restore(source.order(), source.image(), journal, watch);
            double elapsedMs = (System.nanoTime() - from) / 1e6;
            return source.restored(report, startMs, elapsedMs);
        }
    }
}
