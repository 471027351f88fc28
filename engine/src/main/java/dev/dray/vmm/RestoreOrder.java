package dev.dray.vmm;

import java.time.Instant;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// What a restore is to do.
///
/// @param paused whether the guest is to stand still at the end
/// @param regionNames region names of the snapshot to those of the waiting machine, where they differ
/// @param disks what the user says of the guest's disks
/// @param taken when the snapshot was taken, to compare with the age of disks
public record RestoreOrder(boolean paused, SortedMap<String, String> regionNames, DiskPledge disks, Instant taken) {
    public RestoreOrder {
        regionNames = Collections.unmodifiableSortedMap(new TreeMap<>(regionNames));
    }
}
