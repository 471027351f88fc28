package dev.dray.snapshot;

import dev.dray.error.DrayException;
import java.util.List;

/// All snapshots of a repository, also when some cannot be read.
///
/// @param snapshots oldest first: by time taken, then name, number and id
/// @param damaged manifests that cannot be read, by object name
public record Listing(List<Snapshot> snapshots, List<Damaged> damaged) {
    public Listing {
        snapshots = List.copyOf(snapshots);
        damaged = List.copyOf(damaged);
    }

    /// A manifest that cannot be read.
    ///
    /// @param object its object name
    /// @param failure why: damaged, or of a newer version
    public record Damaged(String object, DrayException failure) {}
}
