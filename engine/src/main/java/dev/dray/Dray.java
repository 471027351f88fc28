package dev.dray;

/// Facts about this build of Dray.
public final class Dray {
    /// The release.
    public static final String VERSION = "0.1.0";

    private Dray() {}
}
