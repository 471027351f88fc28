package dev.dray;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot in detail.
///
/// @param description everything, as JSON
/// @param command the VMM's command line to restore into; empty if the snapshot does not have it
public record Shown(ObjectNode description, List<String> command) implements Outcome {
    public Shown {
        command = List.copyOf(command);
    }

    @Override
    public String outcome() {
        return "shown";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        json.setAll(description);
        json.set("command", OutcomeJson.strings(command));
        return json;
    }
}
