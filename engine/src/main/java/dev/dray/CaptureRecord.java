package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.snapshot.Publication;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.SnapshotWriter;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/// The snapshot's side of a capture: where the guest goes, and what is told of it.
final class CaptureRecord implements CaptureStore, ProgressWatch.Total {
    private final SnapshotWriter writer;
    private final SortedMap<String, String> labels;
    private volatile long memoryBytes = -1;
    private @Nullable Snapshot snapshot;

    CaptureRecord(SnapshotWriter writer, SortedMap<String, String> labels) {
        this.writer = writer;
        this.labels = labels;
    }

    @Override
    public PageDestination pages(GuestMemoryMap map) throws DrayException {
        memoryBytes = map.bytes();
        return writer.pages(map);
    }

    @Override
    public synchronized void commit(CapturedMachine machine) throws DrayException {
        snapshot = writer.publish(new Publication(
                machine.taken(), machine.mode().word(), machine.vmm(), labels, machine.state(), machine.facts()));
    }

    synchronized Snapshot published() {
        if (snapshot == null) {
            throw new IllegalStateException("a capture ended well without a snapshot");
        }
        return snapshot;
    }

    /// The failure of an operation that was to make this snapshot: it says so if the snapshot is there all the same.
    synchronized DrayException told(DrayException why) {
        Snapshot made = snapshot;
        if (made == null) {
            return why;
        }
        String complete =
                "The snapshot " + made.title() + " (" + made.id() + ") is complete, but what followed failed: ";
        String message = complete + why.getMessage();
        return switch (why) {
            case CorruptException _ -> new CorruptException(message, why.whatToDo(), why);
            case InterruptedOperation _ ->
                new InterruptedOperation(
                        "Interrupted; the snapshot " + made.title() + " (" + made.id() + ") is complete",
                        why.whatToDo(),
                        why);
            case KeyException _ -> new KeyException(message, why.whatToDo(), why);
            case MachineException _ -> new MachineException(message, why.whatToDo(), why);
            case PeerException _ -> new PeerException(message, why.whatToDo(), why);
            case RefusedException _ -> new RefusedException(message, why.whatToDo(), why);
            case UsageException _ -> new UsageException(message, why.whatToDo(), why);
        };
    }

    @Override
    public long totalBytes() {
        return memoryBytes;
    }

    /// Reports what has come in a few times a second, from a thread that ends when it is interrupted.
    Thread follow(ProgressWatch watch) {
        return watch.follow(() -> writer.progress().pagesIn() * 4096, this);
    }

    /// The outcome, once everything has ended well.
    Captured captured(
            Repository repository,
            CaptureReport report,
            double startMs,
            double elapsedMs,
            ProgressWatch watch,
            Progress progress) {
        Snapshot published = published();
        var counters = published.manifest().counters();
        RememberedHeads.remember(repository, published, progress);
        return new Captured(
                published.id(),
                published.manifest().name(),
                published.manifest().number(),
                GuestFates.of(report.guest()),
                published.manifest().vmm(),
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
}
