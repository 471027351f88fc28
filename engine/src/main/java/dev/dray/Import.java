package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.format.CloudHypervisorDirectory;
import dev.dray.snapshot.GuestName;
import dev.dray.snapshot.WriterOptions;
import java.nio.file.Path;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// Reads a snapshot that somebody else took: the directory of a Cloud Hypervisor, or of its `offload_daemon`.
///
/// @param name the guest's name in the repository
public record Import(
        Path directory,
        RepositoryAccess repository,
        String name,
        SortedMap<String, String> labels,
        Compression compression)
        implements Operation<Imported> {
    public Import {
        labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }

    /// With the defaults of the command.
    public static Import of(Path directory, RepositoryAccess repository, String name) {
        return new Import(directory, repository, name, new TreeMap<>(), Compression.auto());
    }

    @Override
    public Imported run(Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> copy(progress));
    }

    private Imported copy(Progress progress) throws DrayException {
        GuestName.check(name);
        Labels.check(labels);
        var watch = new ProgressWatch(progress);
        long from = System.nanoTime();
        var source = CloudHypervisorDirectory.open(directory);
        try (var open = RepositoryOpener.open(repository, progress);
                var writer = open.writer(WriterOptions.of(name).with(CompressionChoice.of(compression)))) {
            var record = new CaptureRecord(writer, labels);
            var ticker = record.follow(watch);
            try {
                source.copy(record, watch);
            } finally {
                ticker.interrupt();
            }
            source.disks()
                    .forEach(disk -> watch.warning("disk " + disk.device() + " (" + disk.file()
                            + ") is not in the snapshot: restored memory needs it as it was then"));
            var snapshot = record.published();
            RememberedHeads.remember(open, snapshot, progress);
            return Imported.of(snapshot, source.form().word(), (System.nanoTime() - from) / 1e6, watch.warnings());
        }
    }
}
