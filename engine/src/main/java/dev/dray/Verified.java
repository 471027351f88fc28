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
        ObjectNode json = OutcomeJson.of(outcome());
        if (!problems.isEmpty()) {
            json.put("kind", FailureKind.CORRUPT.word())
                    .put("guest", GuestFate.UNKNOWN.word())
                    .put("message", summary())
                    .put("what_to_do", whatToDo());
        }
        json.put("snapshots", snapshots)
                .put("objects", objects)
                .put("read_bytes", readBytes)
                .put("elapsed_ms", OutcomeJson.ms(elapsedMs));
        var array = json.putArray("problems");
        for (Problem problem : problems) {
            array.addObject()
                    .put("object", problem.object())
                    .put("snapshot", problem.snapshot())
                    .put("range", problem.range())
                    .put("message", problem.message());
        }
        json.set("warnings", OutcomeJson.strings(warnings));
        return json;
    }

    /// What was found, in one sentence.
    public String summary() {
        String read = snapshots + (snapshots == 1 ? " snapshot" : " snapshots") + " in " + objects
                + (objects == 1 ? " object" : " objects") + " verified";
        return problems.isEmpty()
                ? read + ": all is well"
                : read + ": " + problems.size() + (problems.size() == 1 ? " problem" : " problems");
    }

    /// The way out; empty if all is well.
    public String whatToDo() {
        return problems.isEmpty()
                ? ""
                : "Restore from another snapshot or a copy of the repository, and look at its disk";
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
    public record Problem(String object, String snapshot, String range, String message) {
        /// All of it in one sentence.
        public String sentence() {
            var text = new StringBuilder(message);
            if (!object.isEmpty()) {
                text.append("; object ").append(object);
            }
            if (!snapshot.isEmpty()) {
                text.append("; snapshot ").append(snapshot);
            }
            if (!range.isEmpty()) {
                text.append("; guest memory ").append(range);
            }
            return text.toString();
        }
    }
}
