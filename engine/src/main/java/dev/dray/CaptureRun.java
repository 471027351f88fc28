package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.snapshot.Publication;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.SnapshotWriter;
import dev.dray.snapshot.WriterOptions;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.GuestException;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
            var store = new Store(writer);
            var ticker = watch.follow(() -> writer.progress().pagesIn() * 4096, store);
            try {
                long from = System.nanoTime();
                CaptureReport report = vm.capture(order(), store, journal, watch);
                double elapsedMs = (System.nanoTime() - from) / 1e6;
                return captured(repository, store, report, startMs, elapsedMs);
            } finally {
                ticker.interrupt();
            }
        }
    }

    private Captured captured(
            Repository repository, Store store, CaptureReport report, double startMs, double elapsedMs) {
        Snapshot snapshot = store.published();
        var counters = snapshot.manifest().counters();
        RememberedHeads.remember(repository, snapshot, progress);
        return new Captured(
                snapshot.id(),
                snapshot.manifest().name(),
                snapshot.manifest().number(),
                GuestFates.of(report.guest()),
                snapshot.manifest().vmm(),
                report.mode().word(),
                report.modeReason(),
                report.pauseMs(),
                startMs,
                elapsedMs,
                counters.memoryBytes(),
                counters.zeroBytes(),
                counters.readBytes(),
                counters.storedBytes(),
                counters.addedBytes(),
                phases(report.phases()),
                watch.warnings());
    }

    static List<Phase> phases(List<CaptureReport.PhaseTime> times) {
        return times.stream().map(each -> new Phase(each.name(), each.ms())).toList();
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
                request.rateBytesPerSecond());
    }

    /// The snapshot's side of the capture.
    private final class Store implements CaptureStore, ProgressWatch.Total {
        private final SnapshotWriter writer;
        private volatile long memoryBytes = -1;
        private @Nullable Snapshot snapshot;

        Store(SnapshotWriter writer) {
            this.writer = writer;
        }

        @Override
        public PageDestination pages(GuestMemoryMap map) throws DrayException {
            memoryBytes = map.bytes();
            return writer.pages(map);
        }

        @Override
        public synchronized void commit(CapturedMachine machine) throws DrayException {
            snapshot = writer.publish(new Publication(
                    machine.taken(),
                    machine.mode().word(),
                    machine.vmm(),
                    request.labels(),
                    machine.state(),
                    machine.facts()));
        }

        synchronized Snapshot published() {
            if (snapshot == null) {
                throw new IllegalStateException("a capture ended well without a snapshot");
            }
            return snapshot;
        }

        @Override
        public long totalBytes() {
            return memoryBytes;
        }
    }
}
