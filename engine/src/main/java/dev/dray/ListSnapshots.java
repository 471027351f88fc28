package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.snapshot.Listing;
import dev.dray.snapshot.Manifest;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;

/// Lists the snapshots of a repository.
public record ListSnapshots(RepositoryAccess repository) implements Operation<Listed> {
    @Override
    public Listed run(Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> list(progress));
    }

    private Listed list(Progress progress) throws DrayException {
        try (Repository open = RepositoryOpener.open(repository, progress)) {
            Listing listing = open.list();
            return new Listed(
                    listing.snapshots().stream().map(ListSnapshots::entry).toList(),
                    listing.damaged().stream()
                            .map(d -> d.object() + ": " + d.failure().getMessage())
                            .toList());
        }
    }

    private static Listed.Entry entry(Snapshot snapshot) {
        Manifest manifest = snapshot.manifest();
        return new Listed.Entry(
                snapshot.id(),
                manifest.name(),
                manifest.number(),
                manifest.taken(),
                manifest.counters().memoryBytes(),
                manifest.counters().storedBytes(),
                manifest.vmm(),
                manifest.mode());
    }
}
