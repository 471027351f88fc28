package dev.dray;

import dev.dray.linux.ProcessLimits;

/// Facts about this build of Dray, and about the process it runs in.
public final class Dray {
    /// The release.
    public static final String VERSION = "0.1.0";

    private Dray() {}

    /// Keeps what this process has in memory, keys and guests' pages, out of core dumps, and other processes of the
    /// user from reading it. The command does so first of all; a program that uses the library decides for itself.
    public static void forbidDumps() {
        ProcessLimits.noCoreDumps();
    }
}
