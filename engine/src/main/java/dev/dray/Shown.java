package dev.dray;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot in detail.
///
/// @param description everything, as JSON
/// @param command the VMM's command line to restore into; empty if the snapshot does not have it
/// @param next what can be done once the VMM is started, one command line each
public record Shown(ObjectNode description, List<String> command, List<List<String>> next) implements Outcome {
    public Shown {
        command = List.copyOf(command);
        next = next.stream().map(List::copyOf).toList();
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
        var array = json.putArray("next");
        next.forEach(line -> array.add(OutcomeJson.strings(line)));
        return json;
    }
}
