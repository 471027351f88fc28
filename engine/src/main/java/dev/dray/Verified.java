package dev.dray;

import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// What a verification looked at and found; a problem makes it a failure.
///
/// @param snapshots how many snapshots were looked at
/// @param packs how many packs were looked at
/// @param packsRead of them, read whole
/// @param frames how many sealed pieces were authenticated
/// @param readBytes how much was read
/// @param unusedPacks packs that no snapshot references: leftovers of captures that failed or still run
/// @param unusedBytes their length
/// @param problems what is wrong; empty if all is well
/// @param problemsInAll how many there are; more than are listed if there are very many
/// @param whatToDo one sentence, empty if all is well
public record Verified(
        long snapshots,
        long packs,
        long packsRead,
        long frames,
        long readBytes,
        long unusedPacks,
        long unusedBytes,
        double elapsedMs,
        List<Problem> problems,
        long problemsInAll,
        String whatToDo,
        List<String> warnings)
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
    public ExitCode exitCode() {
        return problems.isEmpty() ? ExitCode.DONE : ExitCode.CORRUPT;
    }

    /// What was found, one sentence.
    public String message() {
        return switch (problems.size()) {
            case 0 -> "All is well";
            case 1 -> problems.getFirst().sentence();
            default ->
                problemsInAll + " problems, the first: " + problems.getFirst().sentence();
        };
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        if (!problems.isEmpty()) {
            json.put("kind", FailureKind.CORRUPT.word())
                    .put("guest", GuestFate.UNKNOWN.word())
                    .put("message", message())
                    .put("what_to_do", whatToDo);
        }
        json.put("snapshots", snapshots)
                .put("packs", packs)
                .put("packs_read", packsRead)
                .put("frames", frames)
                .put("read_bytes", readBytes)
                .put("unused_packs", unusedPacks)
                .put("unused_bytes", unusedBytes)
                .put("elapsed_ms", OutcomeJson.ms(elapsedMs))
                .put("problems_in_all", problemsInAll);
        var array = json.putArray("problems");
        problems.forEach(problem -> problem.write(array.addObject()));
        json.set("warnings", OutcomeJson.strings(warnings));
        return json;
    }

    /// One thing that is wrong.
    ///
    /// @param object the stored object; empty if it is not about one
    /// @param snapshot the id of a snapshot that depends on it; empty if none does or it is unknown
    /// @param name that snapshot as `web1@7`; empty if unknown
    /// @param range the guest memory that is lost; its region is empty if it is not guest memory
    /// @param message what is wrong, one sentence
    public record Problem(String object, String snapshot, String name, Range range, String message) {
        /// All of it in one sentence.
        public String sentence() {
            var text = new StringBuilder(message);
            if (!object.isEmpty() && !message.contains(object)) {
                text.append("; object ").append(object);
            }
            if (!snapshot.isEmpty()) {
                text.append("; snapshot ").append(name.isEmpty() ? snapshot : name + " (" + snapshot + ")");
            }
            if (!range.region().isEmpty()) {
                text.append("; guest memory ").append(range.sentence());
            }
            return text.toString();
        }

        private void write(ObjectNode json) {
            json.put("object", object)
                    .put("snapshot", snapshot)
                    .put("name", name)
                    .put("message", message);
            if (!range.region().isEmpty()) {
                ObjectNode node = json.putObject("range")
                        .put("region", range.region())
                        .put("offset", range.offset())
                        .put("bytes", range.bytes());
                range.gpa().ifPresent(gpa -> node.put("gpa", gpa));
            }
        }
    }

    /// A piece of guest memory.
    ///
    /// @param offset of its first byte in the region
    /// @param gpa guest-physical address of its first byte, if known
    public record Range(String region, long offset, long bytes, OptionalLong gpa) {
        /// What stands for no guest memory at all.
        public static final Range NONE = new Range("", 0, 0, OptionalLong.empty());

        String sentence() {
            String place = region + " 0x" + Long.toHexString(offset) + "-0x" + Long.toHexString(offset + bytes - 1);
            return gpa.isPresent() ? place + ", guest-physical 0x" + Long.toHexString(gpa.getAsLong()) : place;
        }
    }
}
