package dev.dray.snapshot;

/// How page contents are made smaller before they are sealed. It is the writer's choice and not part of the
/// format: each frame says by itself whether it is compressed, so snapshots of any choice lie side by side.
public sealed interface Compression {
    /// The level used for [Auto]: measured on real guest memory, see docs/decisions/003-frame-size.md.
    int AUTO_LEVEL = -1;

    /// Lowest and highest level of zstd that make sense on pages: below, nothing is saved; above, a capture
    /// takes minutes.
    int LEVEL_MIN = -7;

    int LEVEL_MAX = 19;

    /// zstd at [#AUTO_LEVEL]; pages that do not compress are stored as they are.
    record Auto() implements Compression {}

    /// Every page is stored as it is.
    record None() implements Compression {}

    /// zstd at this level; pages that do not compress are stored as they are.
    record Zstd(int level) implements Compression {
        public Zstd {
            if (level < LEVEL_MIN || level > LEVEL_MAX || level == 0) {
                throw new IllegalArgumentException("zstd level " + level);
            }
        }
    }
}
