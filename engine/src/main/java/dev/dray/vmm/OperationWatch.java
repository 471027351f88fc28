package dev.dray.vmm;

/// How an operation tells what it is doing, and how it is told to stop. Called from any thread.
public interface OperationWatch {
    void phase(String name);

    /// @param total expected bytes, or -1 if unknown
    void bytes(long done, long total);

    void warning(String text);

    /// The guest of a lazy restore runs: what follows happens behind it, and it needs Dray until the end.
    void guestRuns();

    /// Whether the user wants the operation to end now.
    boolean cancelled();
}
