package dev.dray.vmm;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// What the user says of the disks of a guest that is to be restored.
public sealed interface DiskPledge {
    /// Nothing: only disks that have visibly not moved on will do.
    record Silent() implements DiskPledge {}

    /// They were put back to what they were at the capture.
    ///
    /// @param ids disk to the id of the disk snapshot that it was put back to; a disk that is not named
    ///     is taken on trust
    record PutBack(SortedMap<String, String> ids) implements DiskPledge {
        public PutBack {
            ids = Collections.unmodifiableSortedMap(new TreeMap<>(ids));
        }
    }

    /// The user takes the risk.
    record Unchecked() implements DiskPledge {}
}
