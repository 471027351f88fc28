package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.snapshot.Snapshot;

final class RememberedHeads {
    static RememberedHeads of(StateDirectory s, String id) {
        return new RememberedHeads();
    }

    void remember(Snapshot s) throws DrayException {}
}
