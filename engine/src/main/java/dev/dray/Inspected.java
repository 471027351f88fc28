package dev.dray;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// What was found in a file. Damage makes it a failure, although everything up to there is told.
///
/// @param description what is in it, as JSON
/// @param text the same for people, if there is a better way than an outline of the JSON
/// @param damage what is wrong with it, one sentence; empty if nothing is
public record Inspected(ObjectNode description, Optional<String> text, Optional<String> damage) implements Outcome {
    @Override
    public String outcome() {
        return damage.isEmpty() ? "inspected" : "failed";
    }

    @Override
    public ExitCode exitCode() {
        return damage.isEmpty() ? ExitCode.DONE : ExitCode.CORRUPT;
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        damage.ifPresent(why -> json.put("kind", FailureKind.CORRUPT.word())
                .put("guest", GuestFate.UNKNOWN.word())
                .put("message", why)
                .put("what_to_do", ""));
        json.setAll(description);
        return json;
    }
}
