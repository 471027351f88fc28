package dev.dray.machine.qemu;

import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.Vmm;
import dev.dray.memory.GpaRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a machine tells of itself when it is asked over QMP, in the shapes and texts of QEMU 10.0.2.
final class MachineFacts {
    private static final JsonMapper JSON = JsonMapper.shared();

    /// Bytes of a page, as the memory tables print it.
    private static final String PAGE = "4 KiB";

    private final Vmm vmm;

    MachineFacts(Vmm vmm) {
        this.vmm = vmm;
    }

    ObjectNode version() {
        ObjectNode version = JSON.createObjectNode();
        version.putObject("qemu").put("major", 10).put("minor", 0).put("micro", 2);
        return version.put("package", "Dray's built-in machine");
    }

    ObjectNode name() {
        ObjectNode name = JSON.createObjectNode();
        return vmm.name().isEmpty() ? name : name.put("name", vmm.name());
    }

    ArrayNode machines() {
        ArrayNode machines = JSON.createArrayNode();
        machines.addObject()
                .put("name", vmm.machineType())
                .put("cpu-max", 1)
                .put("hotpluggable-cpus", false)
                .put("numa-mem-supported", false)
                .put("deprecated", false)
                .put("acpi", false)
                .put("default-ram-id", vmm.memory().block(0).name());
        return machines;
    }

    ArrayNode processors() {
        ArrayNode processors = JSON.createArrayNode();
        processors
                .addObject()
                .put("thread-id", ProcessHandle.current().pid())
                .put("qom-path", "/machine/unattached/device[0]")
                .put("cpu-index", 0)
                .put("target", "x86_64");
        return processors;
    }

    ArrayNode pci() {
        ArrayNode buses = JSON.createArrayNode();
        ArrayNode devices = buses.addObject().put("bus", 0).putArray("devices");
        device(devices, 0, 0x8086, 0x1237, 1536, "Host bridge");
        device(devices, 2, 0x1234, 0x1111, 768, "VGA controller");
        return buses;
    }

    private static void device(ArrayNode devices, int slot, int vendor, int device, int kind, String description) {
        ObjectNode node = devices.addObject();
        node.put("bus", 0)
                .put("slot", slot)
                .put("function", 0)
                .put("qdev_id", "")
                .put("irq_pin", 0);
        node.putObject("class_info").put("class", kind).put("desc", description);
        node.putObject("id").put("vendor", vendor).put("device", device);
        node.putArray("regions");
    }

    ArrayNode memoryBackends() {
        ArrayNode backends = JSON.createArrayNode();
        MemoryBlock main = vmm.memory().block(0);
        backends.addObject()
                .put("id", main.name())
                .put("size", main.bytes())
                .put("share", true)
                .put("reserve", true)
                .put("prealloc", false)
                .put("merge", false)
                .put("dump", true)
                .put("policy", "default")
                .putArray("host-nodes");
        return backends;
    }

    /// `qom-get`.
    JsonNode property(JsonNode arguments) throws QmpException {
        String path = arguments.path("path").asString("");
        String property = arguments.path("property").asString("");
        if (!path.equals("/machine") || !property.equals("type")) {
            throw path.equals("/machine")
                    ? new QmpException("Property '" + vmm.machineType() + "-machine." + property + "' not found")
                    : new QmpException("DeviceNotFound", "Device '" + path + "' not found");
        }
        return JSON.valueToTree(vmm.machineType() + "-machine");
    }

    /// `qom-list`.
    JsonNode children(JsonNode arguments) throws QmpException {
        ArrayNode children = JSON.createArrayNode();
        children.addObject().put("name", "type").put("type", "string");
        switch (arguments.path("path").asString("")) {
            case "/machine", "/machine/peripheral", "/machine/peripheral-anon" -> {
                // Nothing was added to the machine.
            }
            case "/objects" ->
                children.addObject()
                        .put("name", vmm.memory().block(0).name())
                        .put("type", "child<memory-backend-memfd>");
            default ->
                throw new QmpException(
                        "DeviceNotFound", "Device '" + arguments.path("path").asString("") + "' not found");
        }
        return children;
    }

    /// What a command of the human monitor prints.
    String monitor(String line) {
        return switch (line.strip()) {
            case "info ramblock" -> memoryBlocks("\r\n");
            case "info mtree", "info mtree -f" -> flatView();
            case "info status" -> "VM status: see query-status\r\n";
            default -> "unknown command: '" + line + "'\r\n";
        };
    }

    /// The table of memory blocks.
    String memoryBlocks(String lineEnd) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%24s %8s  %18s %18s %18s %18s %3s%s",
                "Block Name",
                "PSize",
                "Offset",
                "Used",
                "Total",
                "HVA",
                "RO",
                lineEnd));
        long offset = 0;
        for (MemoryBlock block : vmm.memory().blocks()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%24s %8s  0x%016x 0x%016x 0x%016x 0x%016x  %s%s",
                    block.name(),
                    PAGE,
                    offset,
                    block.bytes(),
                    block.layout().maxBytes(),
                    block.memory().address(),
                    block.layout().isReadOnly() ? "ro" : "rw",
                    lineEnd));
            offset += block.layout().maxBytes();
        }
        return text.toString();
    }

    private record Range(GpaRange where, MemoryBlock block) {}

    /// The processors' view of memory.
    private String flatView() {
        List<Range> ranges = new ArrayList<>();
        for (MemoryBlock block : vmm.memory().blocks()) {
            block.layout().gpas().forEach(gpas -> ranges.add(new Range(gpas, block)));
        }
        ranges.sort(Comparator.comparingLong(each -> each.where.gpa()));
        List<String> head = List.of(
                "FlatView #0",
                " AS \"memory\", root: system",
                " AS \"cpu-memory-0\", root: system",
                " Root memory region: system");
        StringBuilder text = new StringBuilder(String.join("\r\n", head)).append("\r\n");
        for (Range each : ranges) {
            String name = each.block.name();
            String shown = name.substring(name.startsWith("/") ? 0 : name.lastIndexOf('/') + 1);
            text.append(String.format(
                    Locale.ROOT,
                    "  %016x-%016x (prio 0, %s): %s",
                    each.where.gpa(),
                    each.where.gpa() + each.where.bytes() - 1,
                    each.block.layout().isReadOnly() ? "rom" : "ram",
                    shown));
            text.append(each.where.offset() == 0 ? "" : String.format(Locale.ROOT, " @%016x", each.where.offset()));
            text.append("\r\n");
        }
        return text.append("\r\n").toString();
    }
}
