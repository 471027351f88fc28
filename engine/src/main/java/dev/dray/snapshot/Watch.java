package dev.dray.snapshot;

/// Follows a long operation; called from any thread.
public interface Watch {
    /// @param total -1 if unknown
    void bytes(long done, long total);

    /// Asked often; true ends the operation with [dev.dray.error.InterruptedOperation].
    boolean cancelled();

    static Watch none() {
        return new Watch() {
            @Override
            public void bytes(long done, long total) {}

            @Override
            public boolean cancelled() {
                return false;
            }
        };
    }
}
