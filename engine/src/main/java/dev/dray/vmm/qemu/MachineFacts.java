package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.qemu.wire.CapturedStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a manifest keeps of a QEMU guest besides memory and device state, as JSON: field names are this class's own and
/// stable, since [RestoreCheck] reads them back years later.
final class MachineFacts {
    static final String MACHINE = "machine";
    static final String PCI = "pci";
    static final String DEVICES = "devices";
    static final String CPUS = "cpus";
    static final String STATUS = "status";
    static final String DISKS = "disks";
    static final String COMMAND_LINE = "command_line";

    private MachineFacts() {}

    static CapturedMachine captured(
            Instant taken,
            QemuFacts facts,
            QemuProcess process,
            CaptureMode mode,
            CapturedStream stream,
            Optional<String> hookId)
            throws DrayException {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put(MACHINE, stream.configuration().machineType());
        node.put("version", facts.version());
        node.put("accelerator", facts.kvm() ? "kvm" : "tcg");
        node.put(CPUS, facts.cpus());
        node.put(STATUS, facts.status());
        facts.name().ifPresent(name -> node.put("vm_name", name));
        strings(node.putArray(PCI), facts.pci());
        strings(node.putArray(DEVICES), facts.devices());
        strings(node.putArray(COMMAND_LINE), process.commandLine());
        disks(node.putArray(DISKS), facts.disks(), hookId);
        var sections = node.putArray("sections");
        stream.sections()
                .forEach(section -> sections.addObject()
                        .put("name", section.name())
                        .put("instance", section.instance())
                        .put("version", section.version())
                        .put("bytes", section.bytes()));
        node.set("host", host());
        return new CapturedMachine(taken, facts.vmm(), mode, stream.state(), node);
    }

    /// Whether the guest ran when its capture began.
    static boolean ran(JsonNode facts) {
        return facts.path(STATUS).asString("").equals("running");
    }

    /// The map of a stream with what only the running QEMU knows: guest-physical addresses and host page sizes.
    static GuestMemoryMap located(GuestMemoryMap map, QemuFacts facts) {
        return new GuestMemoryMap(
                map.regions().stream().map(region -> located(region, facts)).toList());
    }

    private static MemoryRegion located(MemoryRegion region, QemuFacts facts) {
        long pageBytes = facts.ramBlocks().stream()
                .filter(block -> block.name().equals(region.name()))
                .mapToLong(RamBlock::pageBytes)
                .findFirst()
                .orElse(region.pageBytes());
        return new MemoryRegion(region.name(), region.bytes(), pageBytes, MonitorText.gpas(facts.flatViews(), region));
    }

    private static void disks(ArrayNode array, List<GuestDisk> disks, Optional<String> hookId) {
        for (GuestDisk disk : disks) {
            var node = array.addObject();
            node.put("device", disk.device()).put("node", disk.node()).put("file", disk.file());
            node.put("captured", hookId.isPresent());
            hookId.ifPresent(id -> node.put("id", id));
        }
    }

    /// Facts about the host that matter to whoever looks for one to restore on.
    private static ObjectNode host() {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("kernel", System.getProperty("os.version", ""));
        node.put("architecture", System.getProperty("os.arch", ""));
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                int colon = line.indexOf(':');
                String key = colon < 0 ? "" : line.substring(0, colon).strip();
                switch (key) {
                    case "vendor_id", "cpu family", "model", "stepping", "model name", "microcode", "flags" ->
                        node.put(
                                "cpu_" + key.replace("cpu ", "").replace(' ', '_'),
                                line.substring(colon + 1).strip());
                    case "" -> {
                        return node;
                    }
                    default -> {}
                }
            }
        } catch (IOException e) {
            // A host without /proc/cpuinfo: nothing to note.
        }
        return node;
    }

    private static void strings(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }
}
