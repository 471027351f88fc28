package dev.dray;

import dev.dray.snapshot.Snapshot;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot that somebody else took was read.
///
/// @param snapshot its id, 32 hex digits
/// @param form whose it was: `cloud-hypervisor` or `offload-daemon`
/// @param elapsedMs how long it took
/// @param memoryBytes the guest's memory
/// @param zeroBytes of it, pages of zeros, which cost nothing
/// @param storedBytes what the snapshot references
/// @param addedBytes what it added to the repository
public record Imported(
        String snapshot,
        String name,
        long number,
        String form,
        double elapsedMs,
        long memoryBytes,
        long zeroBytes,
        long storedBytes,
        long addedBytes,
        List<String> warnings)
        implements Outcome {
    public Imported {
        warnings = List.copyOf(warnings);
    }

    static Imported of(Snapshot snapshot, String form, double elapsedMs, List<String> warnings) {
        var manifest = snapshot.manifest();
        var counters = manifest.counters();
        return new Imported(
                snapshot.id(),
                manifest.name(),
                manifest.number(),
                form,
                elapsedMs,
                counters.memoryBytes(),
                counters.zeroBytes(),
                counters.storedBytes(),
                counters.addedBytes(),
                warnings);
    }

    @Override
    public String outcome() {
        return "imported";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome())
                .put("snapshot", snapshot)
                .put("name", name)
                .put("number", number)
                .put("form", form)
                .put("elapsed_ms", OutcomeJson.ms(elapsedMs))
                .put("memory_bytes", memoryBytes)
                .put("zero_bytes", zeroBytes)
                .put("stored_bytes", storedBytes)
                .put("added_bytes", addedBytes);
        json.set("warnings", OutcomeJson.strings(warnings));
        return json;
    }
}
