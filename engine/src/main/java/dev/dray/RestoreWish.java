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
