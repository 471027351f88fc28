package dev.dray.vmm;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// What a restore is to do.
///
/// @param paused whether the guest is to stand still at the end
/// @param regionNames region names of the snapshot to those of the waiting machine, where they differ
public record RestoreOrder(boolean paused, SortedMap<String, String> regionNames) {
    public RestoreOrder {
        regionNames = Collections.unmodifiableSortedMap(new TreeMap<>(regionNames));
    }
}
