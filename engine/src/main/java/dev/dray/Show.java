package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import dev.dray.snapshot.Manifest;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.vmm.qemu.RestoreCommandLine;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Tells everything that is known of a snapshot.
///
/// @param snapshot an id, a prefix of one, `NAME` or `NAME@N`
public record Show(String snapshot, RepositoryAccess repository) implements Operation<Shown> {
    @Override
    public Shown run(Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> show(progress));
    }

    private Shown show(Progress progress) throws DrayException {
        try (Repository open = RepositoryOpener.open(repository, progress)) {
            Snapshot found = open.find(snapshot);
            JsonNode facts = found.manifest().facts();
            return new Shown(describe(found, facts), command(found.manifest(), facts));
        }
    }

    private static List<String> command(Manifest manifest, JsonNode facts) {
        return manifest.dialect().equals("qemu") ? RestoreCommandLine.of(facts) : List.of();
    }

    private static ObjectNode describe(Snapshot snapshot, JsonNode facts) {
        Manifest manifest = snapshot.manifest();
        ObjectNode json = OutcomeJson.object()
                .put("snapshot", snapshot.id())
                .put("name", manifest.name())
                .put("number", manifest.number())
                .put("taken", OutcomeJson.time(manifest.taken()))
                .put("vmm", manifest.vmm())
                .put("mode", manifest.mode())
                .put("memory_bytes", manifest.counters().memoryBytes())
                .put("zero_bytes", manifest.counters().zeroBytes())
                .put("absent_bytes", manifest.counters().absentBytes())
                .put("read_bytes", manifest.counters().readBytes())
                .put("stored_bytes", manifest.counters().storedBytes())
                .put("added_bytes", manifest.counters().addedBytes())
                .put("manifest_bytes", snapshot.objectBytes());
        var labels = json.putObject("labels");
        manifest.labels().forEach(labels::put);
        var regions = json.putArray("regions");
        manifest.memory().regions().forEach(region -> describe(region, regions.addObject()));
        var state = json.putObject("state").put("dialect", manifest.dialect());
        var parts = state.putArray("parts");
        manifest.state()
                .forEach((name, part) -> parts.addObject().put("name", name).put("bytes", part.bytes()));
        json.set("facts", facts);
        return json;
    }

    private static void describe(MemoryRegion region, ObjectNode json) {
        json.put("name", region.name()).put("bytes", region.bytes()).put("page_bytes", region.pageBytes());
        var ranges = json.putArray("ranges");
        for (GpaRange range : region.gpas()) {
            ranges.addObject()
                    .put("gpa", range.gpa())
                    .put("offset", range.offset())
                    .put("bytes", range.bytes());
        }
    }
}
