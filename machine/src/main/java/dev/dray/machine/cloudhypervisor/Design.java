package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.DeviceState;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a VM is made from, and the documents that say so: Config, State and `vm.info`. Their form, to the last key, is
/// that of the real ones; a guest that came in keeps what it brought.
///
/// @param config as `vm.create` takes it
/// @param cpuid as the guest was given it
/// @param memory the memory manager's data, as the slots were when it was read
/// @param slots ascending by address
record Design(JsonNode config, JsonNode cpuid, JsonNode memory, List<Slot> slots) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /// A VM with one processor and no disks. Its processor has what every x86-64 has, so that any host takes it.
    private static final JsonNode CONFIG = resource("config.json");

    /// Its state; the processor's registers are filled in.
    private static final JsonNode STATE = resource("state.json");

    Design {
        slots = List.copyOf(slots);
    }

    private static JsonNode resource(String name) {
        try (InputStream in = Design.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no resource " + name);
            }
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A new VM.
    static Design of(Model model, long memoryBytes) {
        JsonNode template = CONFIG.deepCopy();
        ObjectNode memory = (ObjectNode) template.path("vm_config").path("memory");
        List<Slot> slots = Slot.layout(memoryBytes, model.zones());
        memory.put("size", model.zones() == 1 ? memoryBytes : 0);
        memory.put("shared", model.zones() == 1 && model.isShared());
        if (model.zones() > 1) {
            ArrayNode zones = memory.putArray("zones");
            for (int i = 0; i < model.zones(); i++) {
                zone(zones.addObject(), "mem" + i, slots, model.isShared());
            }
        }
        ObjectNode manager = (ObjectNode) template.path("memory_manager_data");
        long end = slots.getLast().gpa() + slots.getLast().bytes();
        manager.put("start_of_device_area", Math.max(end, Slot.HIGH_GPA));
        manager.put("boot_ram", memoryBytes).put("current_ram", memoryBytes);
        manager.put("next_memory_slot", slots.size());
        return new Design(template.path("vm_config"), template.path("common_cpuid"), manager, slots);
    }

    private static void zone(ObjectNode zone, String id, List<Slot> slots, boolean isShared) {
        long bytes = slots.stream()
                .filter(slot -> slot.zone().equals(id))
                .mapToLong(Slot::bytes)
                .sum();
        zone.put("id", id).put("size", bytes).put("shared", isShared).put("hugepages", false);
        zone.put("prefault", false).put("reserve", false).put("mergeable", false);
    }

    /// The VM that a Config describes; its slots have the numbers that they have there.
    static Design parse(byte[] document) throws PeerException {
        JsonNode root;
        try {
            root = JSON.readTree(document);
        } catch (JacksonException e) {
            throw new PeerException("Error deserialising config", "", e);
        }
        JsonNode memory = root.path("memory_manager_data");
        List<Slot> slots = new ArrayList<>();
        for (JsonNode mapping : memory.path("guest_ram_mappings")) {
            slots.add(new Slot(
                    mapping.path("slot").asInt(),
                    mapping.path("gpa").asLong(),
                    mapping.path("size").asLong(),
                    mapping.path("zone_id").asString(),
                    mapping.path("file_offset").asLong()));
        }
        if (slots.isEmpty()
                || !root.path("vm_config").isObject()
                || !root.path("common_cpuid").isArray()) {
            throw new PeerException("Error deserialising config: missing field", "");
        }
        slots.sort(Comparator.comparingLong(Slot::gpa));
        return new Design(root.path("vm_config"), root.path("common_cpuid"), memory, slots);
    }

    /// The same VM with slots of this host's own, numbered on from those that it had.
    Design renumbered() {
        int next = memory.path("next_memory_slot").asInt(0);
        List<Slot> own = new ArrayList<>();
        for (Slot slot : slots) {
            own.add(new Slot(next + own.size(), slot.gpa(), slot.bytes(), slot.zone(), slot.fileOffset()));
        }
        ObjectNode manager = memory.deepCopy().asObject();
        manager.put("next_memory_slot", next + own.size());
        return new Design(config, cpuid, manager, own);
    }

    /// Whether its memory can be handed over.
    boolean isShared() {
        JsonNode settings = config.path("memory");
        if (settings.path("shared").asBoolean(false)
                || settings.path("hugepages").asBoolean(false)) {
            return true;
        }
        JsonNode zones = settings.path("zones");
        for (JsonNode zone : zones) {
            if (!zone.path("shared").asBoolean(false)) {
                return false;
            }
        }
        return !zones.isEmpty();
    }

    byte[] configDocument() {
        ObjectNode root = JSON.createObjectNode();
        root.set("vm_config", config);
        root.set("common_cpuid", cpuid);
        root.set("memory_manager_data", manager(false));
        return JSON.writeValueAsBytes(root);
    }

    private ObjectNode manager(boolean withRanges) {
        ObjectNode manager = memory.deepCopy().asObject();
        ArrayNode ranges = manager.putObject("memory_ranges").putArray("data");
        ArrayNode mappings = manager.putArray("guest_ram_mappings");
        for (Slot slot : slots) {
            if (withRanges) {
                ranges.addObject().put("gpa", slot.gpa()).put("length", slot.bytes());
            }
            mappings.addObject()
                    .put("slot", slot.number())
                    .put("gpa", slot.gpa())
                    .put("size", slot.bytes())
                    .put("zone_id", slot.zone())
                    .put("virtio_mem", false)
                    .put("file_offset", slot.fileOffset());
        }
        return manager;
    }

    byte[] stateDocument(List<DeviceState> devices) {
        ObjectNode root = STATE.deepCopy().asObject();
        ObjectNode vm = inner(root);
        vm.set("common_cpuid", cpuid);
        setInner(root, vm);
        JsonNode processor = processor(root);
        ObjectNode registers = inner(processor);
        Registers.write(devices, registers.path("Kvm").path("regs").asArray());
        setInner(processor, registers);
        setInner(root.path("snapshots").path("memory-manager"), manager(true));
        return JSON.writeValueAsBytes(root);
    }

    /// The devices of a State.
    ///
    /// @param layouts what devices there are, with any values
    static List<DeviceState> devices(byte[] document, List<DeviceState> layouts) throws PeerException {
        try {
            JsonNode processor = inner(processor(JSON.readTree(document)));
            return Registers.read(processor.path("Kvm").path("regs"), layouts);
        } catch (JacksonException e) {
            throw new PeerException("Error deserialising VM snapshot", "", e);
        }
    }

    private static JsonNode processor(JsonNode root) {
        return root.path("snapshots").path("cpu-manager").path("snapshots").path("0");
    }

    /// The document in a document: each part's state is JSON as text.
    private static ObjectNode inner(JsonNode part) {
        return JSON.readTree(part.path("snapshot_data").path("state").asString(""))
                .asObject();
    }

    private static void setInner(JsonNode part, JsonNode state) {
        part.path("snapshot_data").asObject().put("state", JSON.writeValueAsString(state));
    }

    ObjectNode info(String state) {
        ObjectNode info = JSON.createObjectNode();
        info.set("config", config);
        info.put("state", state);
        info.put("memory_actual_size", slots.stream().mapToLong(Slot::bytes).sum());
        if (!state.equals(Ownership.CREATED)) {
            info.set(
                    "device_tree",
                    inner(STATE.path("snapshots").path("device-manager")).path("device_tree"));
        }
        return info;
    }
}
