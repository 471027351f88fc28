package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.vmm.DiskPledge;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RestoreCheckTest {
    private static final JsonNode FACTS = JsonMapper.shared().readTree("""
                    {"cpus":2,"pci":["00:00.0 8086:1237","00:04.0 1af4:1000"],
                     "sections":[{"name":"0000:00:04.0/virtio-net"}],
                     "disks":[{"device":"virtio0","node":"#block1","file":"/disk.img","captured":true,"id":"s7"}]}
                    """);
    private static final Instant TAKEN = Instant.parse("2026-11-21T09:00:00Z");

    private final QemuFacts waiting = CaptureChoiceTest.facts("inmigrate", "none", List.of());

    private static GuestMemoryMap memory(String ram, long bytes) {
        return new GuestMemoryMap(List.of(
                new MemoryRegion(ram, bytes, 4096, List.of()),
                new MemoryRegion("/rom@etc/acpi/tables", 64 << 10, 4096, List.of())));
    }

    @Test
    void takesTheSameMachineAndLetsQemuResizeItsTables() throws RefusedException {
        var map = RestoreCheck.check(memory("pc.ram", 32 << 20), "pc-i440fx-10.0", FACTS, Map.of(), waiting);
        assertThat(map.regions()).extracting(MemoryRegion::name).containsExactly("pc.ram", "/rom@etc/acpi/tables");
    }

    @Test
    void usesTheWaitingMachinesNames() throws RefusedException {
        var map = RestoreCheck.check(
                memory("ram0", 32 << 20), "pc-i440fx-10.0", FACTS, Map.of("ram0", "pc.ram"), waiting);
        assertThat(map.regions().getFirst().name()).isEqualTo("pc.ram");
    }

    @Test
    void namesEachDifference() {
        refused(memory("pc.ram", 32 << 20), "pc-q35-10.0", FACTS, waiting)
                .hasMessage("The waiting VM is not the captured machine: the snapshot is of machine type pc-q35-10.0,"
                        + " the waiting VM is pc-i440fx-10.0");
        refused(memory("pc.ram", 64 << 20), "pc-i440fx-10.0", FACTS, waiting)
                .hasMessage("The waiting VM is not the captured machine: memory region pc.ram has 67108864 bytes in the"
                        + " snapshot and 33554432 in the waiting VM");
        refused(memory("ram0", 32 << 20), "pc-i440fx-10.0", FACTS, waiting)
                .hasMessage("The waiting VM is not the captured machine: the waiting VM has no memory region ram0"
                        + " (33554432 bytes)");
        refused(memory("pc.ram", 32 << 20), "pc-i440fx-10.0", facts("{\"cpus\":4}"), waiting)
                .hasMessage(
                        "The waiting VM is not the captured machine: the snapshot has 4 CPUs, the waiting VM has 2");
        refused(
                        memory("pc.ram", 32 << 20),
                        "pc-i440fx-10.0",
                        facts("{\"pci\":[\"00:00.0 8086:1237\",\"00:05.0 8086:100e\"],"
                                + "\"sections\":[{\"name\":\"0000:00:05.0/e1000\"}]}"),
                        waiting)
                .hasMessage("The waiting VM is not the captured machine: the waiting VM lacks PCI device 00:05.0"
                        + " 8086:100e (e1000); the snapshot lacks PCI device 00:04.0 1af4:1000 of the waiting VM");
    }

    @Test
    void refusesAMachineThatDoesNotWait() {
        refused(
                        memory("pc.ram", 32 << 20),
                        "pc-i440fx-10.0",
                        FACTS,
                        CaptureChoiceTest.facts("running", "none", List.of()))
                .hasMessage("This QEMU does not wait for a guest: it is running");
        refused(
                        memory("pc.ram", 32 << 20),
                        "pc-i440fx-10.0",
                        FACTS,
                        CaptureChoiceTest.facts("inmigrate", "setup", List.of()))
                .hasMessage("This QEMU already has an incoming migration (status setup)");
    }

    @Test
    void aDiskThatHasNotMovedOnPassesByItself() {
        assertThatCode(() -> disks(new DiskPledge.Silent(), _ -> Optional.of(TAKEN.minusSeconds(1))))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> disks(new DiskPledge.Silent(), _ -> Optional.of(TAKEN.plusSeconds(1))))
                .hasMessage("The guest's disks may have moved on since the snapshot, which would destroy their file"
                        + " systems: virtio0 (/disk.img, written at 2026-11-21T09:00:01Z, after the snapshot of"
                        + " 2026-11-21T09:00:00Z)");
        assertThatThrownBy(() -> disks(new DiskPledge.Silent(), _ -> Optional.empty()))
                .hasMessageContaining("whose age cannot be seen");
    }

    @Test
    void aDiskIsPutBackToTheStateThatBelongsToTheSnapshot() {
        assertThatCode(() -> disks(pledge("virtio0", "s7"), _ -> Optional.empty()))
                .doesNotThrowAnyException();
        assertThatCode(() -> disks(pledge("#block1", "s7"), _ -> Optional.empty()))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> disks(pledge("virtio0", "s6"), _ -> Optional.empty()))
                .hasMessage("Disk virtio0 was put back to s6, but the snapshot needs s7");
        assertThatThrownBy(() -> disks(pledge("sda", "s7"), _ -> Optional.empty()))
                .hasMessage("The snapshot knows no disk sda");
        assertThatCode(() -> disks(new DiskPledge.Unchecked(), _ -> Optional.empty()))
                .doesNotThrowAnyException();
    }

    private static DiskPledge pledge(String disk, String id) {
        return new DiskPledge.PutBack(new TreeMap<>(Map.of(disk, id)));
    }

    private void disks(DiskPledge pledge, Function<Path, Optional<Instant>> changed) throws RefusedException {
        DiskCheck.check(FACTS.path("disks"), waiting.disks(), pledge, TAKEN, changed);
    }

    private static JsonNode facts(String json) {
        return JsonMapper.shared().readTree(json);
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(
            GuestMemoryMap memory, String machine, JsonNode facts, QemuFacts waiting) {
        return assertThatThrownBy(() -> RestoreCheck.check(memory, machine, facts, Map.of(), waiting))
                .isInstanceOf(RefusedException.class);
    }
}
