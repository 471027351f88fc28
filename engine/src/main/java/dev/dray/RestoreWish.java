package dev.dray;

import dev.dray.vmm.DiskPledge;
import java.util.Optional;
import java.util.SortedMap;

/// What [Restore] and [Send] have in common.
record RestoreWish(
        String snapshot,
        RepositoryAccess repository,
        Optional<String> copy,
        boolean paused,
        SortedMap<String, String> mapBlock,
        Restore.DisksCheck disks,
        RestoreMemory memory,
        SortedMap<String, String> settings,
        boolean ownRisk) {
    /// The copy of the repository, with the same key, if there is one.
    Optional<RepositoryAccess> copyAccess() {
        return copy.map(place -> new RepositoryAccess(place, repository.key()));
    }

    /// The same of the copy alone.
    RestoreWish fromCopy(RepositoryAccess access) {
        return new RestoreWish(snapshot, access, Optional.empty(), paused, mapBlock, disks, memory, settings, ownRisk);
    }

    boolean isLazy() {
        return memory instanceof RestoreMemory.Lazy;
    }

    DiskPledge pledge() {
        return switch (disks) {
            case Restore.DisksCheck.Nothing _ -> new DiskPledge.Silent();
            case Restore.DisksCheck.PutBack(var ids) -> new DiskPledge.PutBack(ids);
            case Restore.DisksCheck.Unchecked _ -> new DiskPledge.Unchecked();
        };
    }
}
