package dev.dray.snapshot;

/// Between which snapshots equal pages are stored once. Fixed when the repository is made.
public enum Dedup {
    /// Between all snapshots of the repository.
    REPOSITORY,
    /// Between snapshots of one guest name only, so that no guest can learn from sizes or times what another
    /// one's memory holds.
    GUEST
}
