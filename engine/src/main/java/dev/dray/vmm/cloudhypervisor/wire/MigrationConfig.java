package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What a Config document says, as far as Dray needs it. The document itself is kept and sent byte for byte: it has
/// more in it than any one version knows, and numbers that a parser may spoil (`18446744073709551615`).
public final class MigrationConfig {
    /// Size of huge pages where the configuration does not name one: the kernel's default on x86 and arm64.
    private static final long HUGE_PAGE_BYTES = 2 << 20;

    private static final String WHAT = "The VM's configuration";

    private final JsonNode root;
    private final List<RamSlot> slots;

    private MigrationConfig(JsonNode root, List<RamSlot> slots) {
        this.root = root;
        this.slots = slots;
    }

    public static MigrationConfig parse(byte[] document) throws PeerException {
        JsonNode root = Json.parse(document, WHAT);
        return new MigrationConfig(root, slots(root.path("memory_manager_data").path("guest_ram_mappings")));
    }

    private static List<RamSlot> slots(JsonNode mappings) throws PeerException {
        if (!mappings.isArray() || mappings.isEmpty() || mappings.size() > WireLimits.SLOTS_MAX) {
            throw Refusal.broken(WHAT + " has " + (mappings.isArray() ? mappings.size() : "no")
                    + " pieces of memory, allowed are 1 to " + WireLimits.SLOTS_MAX);
        }
        List<RamSlot> slots = new ArrayList<>();
        for (JsonNode mapping : mappings) {
            slots.add(slot(mapping));
        }
        slots.sort(Comparator.comparingLong(RamSlot::gpa));
        long bytes = 0; // of what does not overlap, so never more than a long holds
        long end = 0;
        Set<Integer> numbers = new HashSet<>();
        for (RamSlot slot : slots) {
            if (slot.gpa() < end || !numbers.add(slot.slot())) {
                throw Refusal.broken(WHAT + " has two pieces of memory in slot " + slot.slot() + " or at 0x"
                        + Long.toHexString(slot.gpa()));
            }
            end = slot.gpa() + slot.bytes();
            bytes += slot.bytes();
        }
        if (bytes > WireLimits.GUEST_BYTES_MAX) {
            throw Refusal.broken(
                    WHAT + " has " + bytes + " bytes of memory, allowed are " + WireLimits.GUEST_BYTES_MAX);
        }
        return List.copyOf(slots);
    }

    private static RamSlot slot(JsonNode mapping) throws PeerException {
        long slot = Json.number(mapping, "slot", WHAT);
        long gpa = Json.number(mapping, "gpa", WHAT);
        long bytes = Json.number(mapping, "size", WHAT);
        long fileOffset = Json.number(mapping, "file_offset", WHAT);
        JsonNode zone = mapping.path("zone_id");
        if (slot > Integer.MAX_VALUE
                || !PageSize.isAligned(gpa)
                || !PageSize.isAligned(bytes)
                || !PageSize.isAligned(fileOffset)
                || bytes == 0
                || bytes > MemoryRegion.BYTES_MAX
                || gpa > Long.MAX_VALUE - bytes
                || fileOffset > Long.MAX_VALUE - bytes
                || !zone.isString()
                || zone.asString().isEmpty()
                || zone.asString().length() > MemoryRegion.NAME_BYTES_MAX / 4) {
            throw Refusal.broken(WHAT + " has a piece of memory in slot " + slot + " that cannot be: gpa 0x"
                    + Long.toHexString(gpa) + ", " + bytes + " bytes, at " + fileOffset + " of its file");
        }
        return new RamSlot(
                (int) slot,
                gpa,
                bytes,
                zone.asString(),
                mapping.path("virtio_mem").asBoolean(false),
                fileOffset);
    }

    /// Ascending by guest-physical address, without overlaps; the index is the region index in a snapshot.
    public List<RamSlot> slots() {
        return slots;
    }

    /// The guest's memory as a snapshot has it: one region for each slot.
    public GuestMemoryMap memory() {
        return new GuestMemoryMap(slots.stream()
                .map(slot -> new MemoryRegion(
                        slot.regionName(),
                        slot.bytes(),
                        pageBytes(slot),
                        List.of(new GpaRange(slot.gpa(), 0, slot.bytes()))))
                .toList());
    }

    /// The VM's configuration, in the words of `vm.create`.
    public JsonNode vmConfig() {
        return root.path("vm_config");
    }

    /// CPUID leaves that the guest was started with; missing where it is not x86.
    public JsonNode commonCpuid() {
        return root.path("common_cpuid");
    }

    /// How the sender says it sends memory; versions up to 54 of August 2026 do not say.
    public Optional<String> memoryMode() {
        JsonNode mode = root.path("memory_mode");
        return mode.isString() ? Optional.of(mode.asString()) : Optional.empty();
    }

    /// The settings of the zone that a slot belongs to; missing if the VM was given none.
    public JsonNode zone(RamSlot slot) {
        for (JsonNode zone : vmConfig().path("memory").path("zones")) {
            if (zone.path("id").asString("").equals(slot.zone())) {
                return zone;
            }
        }
        return MissingNode.getInstance();
    }

    /// Size of the host pages behind a slot: 4096, or that of its zone's huge pages.
    public long pageBytes(RamSlot slot) {
        JsonNode zone = zone(slot);
        JsonNode settings = zone.isMissingNode() ? vmConfig().path("memory") : zone;
        if (!settings.path("hugepages").asBoolean(false)) {
            return PageSize.BYTES;
        }
        long bytes = settings.path("hugepage_size").asLong(HUGE_PAGE_BYTES);
        return Long.bitCount(bytes) == 1 && bytes >= PageSize.BYTES ? bytes : HUGE_PAGE_BYTES;
    }

    /// Whether all of the memory can be handed over as descriptors.
    public boolean sharedMemory() {
        return sharedMemory(vmConfig());
    }

    /// As [#sharedMemory()], of a configuration that `vm.info` shows.
    public static boolean sharedMemory(JsonNode vmConfig) {
        JsonNode memory = vmConfig.path("memory");
        JsonNode zones = memory.path("zones");
        if (isShared(memory)) {
            return true;
        }
        if (memory.path("size").asLong(0) != 0 || zones.isEmpty()) {
            return false;
        }
        for (JsonNode zone : zones) {
            if (!isShared(zone)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isShared(JsonNode settings) {
        return settings.path("shared").asBoolean(false)
                || settings.path("hugepages").asBoolean(false);
    }
}
