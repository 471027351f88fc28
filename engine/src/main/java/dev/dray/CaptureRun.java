package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import dev.dray.snapshot.WriterOptions;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.GuestException;

/// Carries out a [Capture]: joins a virtual machine to a writer of snapshots.
final class CaptureRun {
    private final Capture request;
    private final Progress progress;
    private final ProgressWatch watch;

    private CaptureRun(Capture request, Progress progress) {
        this.request = request;
        this.progress = progress;
        this.watch = new ProgressWatch(progress);
    }

    static Captured run(Capture request, Progress progress) throws OperationException {
        try {
            return new CaptureRun(request, progress).run();
        } catch (GuestException e) {
            throw new OperationException(e.failure(), GuestFates.of(e.guest()));
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }

    private Captured run() throws DrayException, GuestException {
        if (request.mode() == Capture.Mode.BACKGROUND && request.after() != Capture.After.RESUME) {
            throw new UsageException(
                    "A background capture cannot end its guest: the guest would have outlived its image",
                    "Use --mode auto, live or stop");
        }
        var address = VmAddress.parse(request.vm());
        dev.dray.snapshot.GuestName.check(request.name());
        var state = StateDirectory.open();
        watch.phase("opening the repository");
        try (var repository = RepositoryOpener.open(request.repository(), progress);
                var _ = VmLock.take(state, address);
                var vm = VirtualMachines.at(address);
                var _ = VmLock.take(state, address, vm.identity());
                var writer = repository.writer(
                        WriterOptions.of(request.name()).with(CompressionChoice.of(request.compression())))) {
            var journal = VmJournal.of(state, address);
            vm.putBack(journal).ifPresent(watch::warning);
            double startMs = ProcessClock.sinceStartMs();
            var store = new CaptureRecord(writer, request.labels());
            var ticker = store.follow(watch);
            try {
                long from = System.nanoTime();
                CaptureReport report = vm.capture(order(), store, journal, watch);
                double elapsedMs = (System.nanoTime() - from) / 1e6;
                return store.captured(repository, report, startMs, elapsedMs, watch, progress);
            } catch (GuestException e) {
                throw new GuestException(store.told(e.failure()), e.guest());
            } finally {
                ticker.interrupt();
            }
        }
    }

    private CaptureOrder order() {
        return new CaptureOrder(
                switch (request.mode()) {
                    case AUTO -> CaptureMode.AUTO;
                    case BACKGROUND -> CaptureMode.BACKGROUND;
                    case LIVE -> CaptureMode.LIVE;
                    case STOP -> CaptureMode.STOP;
                },
                switch (request.after()) {
                    case RESUME -> AfterCapture.RESUME;
                    case PAUSE -> AfterCapture.PAUSE;
                    case QUIT -> AfterCapture.QUIT;
                },
                request.onPause(),
                request.downtimeLimit(),
                request.timeLimit(),
                request.then() == Capture.Then.STOP,
                request.rateBytesPerSecond(),
                request.ownRisk());
    }
}
