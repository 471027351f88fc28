package dev.dray.snapshot;

import dev.dray.error.DrayException;

/// Announces to whoever cleans up that this process works in the repository: a small object whose name holds
/// a counter that moves while the process lives. Nothing else locks.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class Session implements AutoCloseable {
    private Session() {}

    /// Says whether the announcement still stands; it does not if somebody took this process for dead.
    public boolean stands() throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void close() {}
}
