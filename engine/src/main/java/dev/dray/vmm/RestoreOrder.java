package dev.dray.vmm;

import dev.dray.page.WorkingSet;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// What a restore is to do.
///
/// @param paused whether the guest is to stand still at the end
/// @param regionNames region names of the snapshot to those of the waiting machine, where they differ
/// @param disks what the user says of the guest's disks
/// @param taken when the snapshot was taken, to compare with the age of disks
/// @param settings what is to be different in the restored guest's configuration
/// @param lazy what to fetch first, if the guest is to run before all of its memory is in place; empty for eager
/// @param ownRisk whether the user wants to go on where Dray cannot know that it will go well: a VMM of a version that
///     it was not tried with, a host whose processor lacks features
public record RestoreOrder(
        boolean paused,
        SortedMap<String, String> regionNames,
        DiskPledge disks,
        Instant taken,
        List<Setting> settings,
        Optional<WorkingSet> lazy,
        boolean ownRisk) {
    public RestoreOrder {
        settings = List.copyOf(settings);
        regionNames = Collections.unmodifiableSortedMap(new TreeMap<>(regionNames));
    }

    /// Without risk.
    public RestoreOrder(
            boolean paused,
            SortedMap<String, String> regionNames,
            DiskPledge disks,
            Instant taken,
            List<Setting> settings,
            Optional<WorkingSet> lazy) {
        this(paused, regionNames, disks, taken, settings, lazy, false);
    }
}
