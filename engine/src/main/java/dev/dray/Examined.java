package dev.dray;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// What the doctor found.
///
/// @param putBack what an earlier Dray had left changed and this one has put back, one sentence each
public record Examined(List<Finding> findings, List<String> putBack) implements Outcome {
    public Examined {
        findings = List.copyOf(findings);
        putBack = putBack.stream().map(OutcomeJson::sentence).toList();
    }

    @Override
    public String outcome() {
        return "examined";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        var array = json.putArray("findings");
        for (Finding finding : findings) {
            array.addObject()
                    .put("subject", finding.subject())
                    .put("ok", finding.ok())
                    .put("message", finding.message())
                    .put("what_to_do", finding.whatToDo());
        }
        json.set("put_back", OutcomeJson.strings(putBack));
        return json;
    }

    /// One thing that was looked at.
    ///
    /// @param subject `userfaultfd`, `background snapshot`
    /// @param ok whether Dray can use it
    /// @param message what was found, one sentence
    /// @param whatToDo empty if there is nothing to do
    public record Finding(String subject, boolean ok, String message, String whatToDo) {
        public Finding {
            whatToDo = OutcomeJson.sentence(whatToDo);
        }
    }
}
