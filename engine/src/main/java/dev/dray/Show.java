package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import dev.dray.snapshot.Manifest;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.qemu.RestoreCommandLine;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
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
            ObjectNode description = describe(found, facts);
            workingSet(open, found, description, progress);
            return switch (found.manifest().dialect()) {
                case "qemu" -> new Shown(description, RestoreCommandLine.of(facts), List.of());
                case "cloud-hypervisor" -> {
                    JsonNode vmConfig = vmConfig(open, found);
                    description.set("vm_config", vmConfig);
                    yield cloudHypervisor(found, description);
                }
                default -> new Shown(description, List.of(), List.of());
            };
        }
    }

    private static JsonNode vmConfig(Repository open, Snapshot found) throws DrayException {
        try (var reader = open.reader(found)) {
            byte[] config = reader.state().parts().get("config");
            return config == null
                    ? JsonMapper.shared().createObjectNode()
                    : MigrationConfig.parse(config).vmConfig();
        }
    }

    /// Any Cloud Hypervisor without a VM will do: it gets everything by the migration.
    private static Shown cloudHypervisor(Snapshot found, ObjectNode description) {
        String name = found.manifest().name();
        String socket = name + ".sock";
        return new Shown(
                description,
                List.of("cloud-hypervisor", "--api-socket", socket),
                List.of(
                        List.of("dray", "restore", found.title(), "--into", "ch:" + socket),
                        List.of(
                                "curl",
                                "--unix-socket",
                                socket,
                                "-X",
                                "PUT",
                                "-H",
                                "Content-Type: application/json",
                                "-d",
                                "{\"receiver_url\":\"unix:/run/" + name + ".migration\",\"memory_mode\":\"Postcopy\"}",
                                "http://localhost/api/v1/vm.receive-migration"),
                        List.of(
                                "dray",
                                "send",
                                found.title(),
                                "--lazy",
                                "--connect",
                                "unix:/run/" + name + ".migration")));
    }

    /// What the guest asked for first, if it was ever restored lazily.
    private static void workingSet(Repository open, Snapshot found, ObjectNode json, Progress progress) {
        try {
            var set = open.workingSets().newest(found);
            if (set.isPresent() && set.get().count() > 0) {
                WorkingSetOutline.addTo(json.putObject("working_set"), set.get());
            }
        } catch (DrayException e) {
            progress.warning("what the guest asked for first cannot be read: " + e.getMessage());
        }
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
