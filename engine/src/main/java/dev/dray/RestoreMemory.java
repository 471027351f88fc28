package dev.dray;

import java.nio.file.Path;

/// When a restored guest gets its memory.
public sealed interface RestoreMemory {
    /// All of it before the guest goes on.
    record Eager() implements RestoreMemory {}

    /// Each page when the guest asks for it, and all of them in time. The guest needs Dray until it has them all.
    record Lazy(Prefetch prefetch) implements RestoreMemory {}

    /// What to fetch before it is asked for.
    sealed interface Prefetch {
        /// What the guest asked for when it was last restored lazily, from this snapshot or from one before it.
        record Recorded() implements Prefetch {}

        /// Nothing in particular: memory comes in its own order.
        record Nothing() implements Prefetch {}

        /// The pages that a file names.
        record Listed(Path file) implements Prefetch {}
    }
}
