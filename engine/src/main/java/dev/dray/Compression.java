package dev.dray;

import dev.dray.error.UsageException;

/// How page contents are compressed.
public sealed interface Compression {
    /// zstd at a level that keeps up with the VMM; pages that do not shrink are stored as they are.
    record Auto() implements Compression {}

    record None() implements Compression {}

    record Zstd(int level) implements Compression {
        /// Levels beyond cost much more time than they save bytes on single pages.
        public static final int LEVEL_MIN = -7;

        public static final int LEVEL_MAX = 19;

        public Zstd {
            if (level < LEVEL_MIN || level > LEVEL_MAX || level == 0) {
                throw new IllegalArgumentException("zstd level " + level);
            }
        }
    }

    static Compression auto() {
        return new Auto();
    }

    /// Reads `auto`, `none` or `zstd:LEVEL`.
    static Compression parse(String text) throws UsageException {
        if (text.equals("auto")) {
            return new Auto();
        }
        if (text.equals("none")) {
            return new None();
        }
        if (text.matches("zstd:-?[0-9]{1,2}")) {
            int level = Integer.parseInt(text.substring("zstd:".length()));
            if (level >= Zstd.LEVEL_MIN && level <= Zstd.LEVEL_MAX && level != 0) {
                return new Zstd(level);
            }
        }
        throw new UsageException(
                "Compression '" + text + "' is unknown",
                "Use auto, none, or zstd:LEVEL with a level from " + Zstd.LEVEL_MIN + " to " + Zstd.LEVEL_MAX
                        + ", not 0");
    }
}
