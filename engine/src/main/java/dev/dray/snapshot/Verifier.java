package dev.dray.snapshot;

import dev.dray.error.DrayException;
import java.util.List;

/// Checks that what a repository holds is what was written. Damage is a finding, not an exception.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class Verifier {
    private final Repository repository;

    Verifier(Repository repository) {
        this.repository = repository;
    }

    /// Verifies the whole repository: every manifest, and what they reference.
    public VerifyReport all(VerifyScope scope, Watch watch) throws DrayException {
        return some(repository.snapshots(), scope, watch);
    }

    /// Verifies these snapshots only.
    public VerifyReport some(List<Snapshot> snapshots, VerifyScope scope, Watch watch) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }
}
