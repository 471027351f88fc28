package dev.dray;

import tools.jackson.databind.node.ObjectNode;

/// What was found in a file.
public record Inspected(ObjectNode description) implements Outcome {
    @Override
    public String outcome() {
        return "inspected";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        json.setAll(description);
        return json;
    }
}
