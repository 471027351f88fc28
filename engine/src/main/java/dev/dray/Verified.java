package dev.dray;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// What verification found; damage makes it a failure.
///
/// @param snapshots how many snapshots were checked
/// @param objects how many stored objects were read
/// @param readBytes how much was read
/// @param problems what is damaged; empty if all is well
public record Verified(
        long snapshots, long objects, long readBytes, double elapsedMs, List<Problem> problems, List<String> warnings)
        implements Outcome {
    public Verified {
        problems = List.copyOf(problems);
        warnings = List.copyOf(warnings);
    }

    @Override
    public String outcome() {
        return problems.isEmpty() ? "verified" : "failed";
    }

    @Override
    public ObjectNode json() {
        return OutcomeJson.of(outcome());
    }

    @Override
    public ExitCode exitCode() {
        return problems.isEmpty() ? ExitCode.DONE : ExitCode.CORRUPT;
    }

    /// One piece of damage.
    ///
    /// @param object the stored object, empty if it is not about one
    /// @param snapshot the id of the snapshot that it harms, empty if none
    /// @param range the guest addresses that are lost, as `pc.ram 0x1000-0x1fff`; empty if it is not about pages
    /// @param message what is wrong, one sentence
    public record Problem(String object, String snapshot, String range, String message) {}
}
