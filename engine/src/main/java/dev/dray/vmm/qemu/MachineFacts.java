package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.HostFacts;
import dev.dray.vmm.qemu.wire.CapturedStream;
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
        GuestDisk.note(facts.disks(), hookId, node.putArray(DISKS));
        hookId.ifPresent(id -> node.put(GuestDisk.HOOK_ID, id));
        var sections = node.putArray("sections");
        stream.sections()
                .forEach(section -> sections.addObject()
                        .put("name", section.name())
                        .put("instance", section.instance())
                        .put("version", section.version())
                        .put("bytes", section.bytes()));
        node.set("host", HostFacts.read());
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

    private static void strings(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }
}
