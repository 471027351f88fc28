package dev.dray;

import java.time.Instant;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// The snapshots of a repository, oldest first.
///
/// @param damaged one sentence for each manifest that cannot be read
public record Listed(List<Entry> snapshots, List<String> damaged) implements Outcome {
    public Listed {
        snapshots = List.copyOf(snapshots);
        damaged = List.copyOf(damaged);
    }

    @Override
    public String outcome() {
        return "listed";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome());
        var array = json.putArray("snapshots");
        for (Entry entry : snapshots) {
            array.addObject()
                    .put("id", entry.id())
                    .put("name", entry.name())
                    .put("number", entry.number())
                    .put("taken", OutcomeJson.time(entry.taken()))
                    .put("memory_bytes", entry.memoryBytes())
                    .put("stored_bytes", entry.storedBytes())
                    .put("vmm", entry.vmm())
                    .put("mode", entry.mode());
        }
        json.set("damaged", OutcomeJson.strings(damaged));
        return json;
    }

    /// One snapshot.
    public record Entry(
            String id,
            String name,
            long number,
            Instant taken,
            long memoryBytes,
            long storedBytes,
            String vmm,
            String mode) {}
}
