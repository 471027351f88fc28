package dev.dray;

/// What an operation tells about itself while it runs, and how it learns that it is to stop. Called from any
/// thread; implementations must not block.
public interface Progress {
    /// A new phase begins: `copying memory`.
    void phase(String name);

    /// Bytes done in this phase.
    ///
    /// @param total of how many; -1 if that is not known
    void bytes(long done, long total);

    /// Something the user should know although the operation goes on; it is in the outcome's warnings too.
    void warning(String text);

    /// A choice that Dray made and its reason, for those who want to follow: `mode background, because …`.
    default void detail(String text) {}

    /// The guest of a lazy restore runs: what follows happens behind it, and it needs Dray until the end.
    default void guestRuns() {}

    /// Whether the user asked to stop.
    boolean cancelled();

    /// When the user's command began, as [System#nanoTime()] counts: what `start_ms` counts from.
    default long startNanos() {
        return System.nanoTime();
    }

    /// Tells nobody, and never stops.
    static Progress none() {
        return NoProgress.INSTANCE;
    }
}
