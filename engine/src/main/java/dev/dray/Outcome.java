package dev.dray;

import tools.jackson.databind.node.ObjectNode;

/// How an operation ended. Its JSON has stable field names; times are milliseconds with one decimal, sizes
/// are bytes.
public sealed interface Outcome
        permits Initialized, Captured, Restored, Imported, Listed, Shown, Verified, Examined, Inspected, Failed {
    /// One word: `captured`, `failed`.
    String outcome();

    /// The whole outcome as one JSON object.
    ObjectNode json();

    default ExitCode exitCode() {
        return ExitCode.DONE;
    }
}
