package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.snapshot.Repository;

final class RepositoryOpener {
    static Repository open(RepositoryAccess a) throws DrayException {
        throw new IllegalStateException(a.place());
    }
}
