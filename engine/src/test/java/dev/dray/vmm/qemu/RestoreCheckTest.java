package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RestoreCheckTest {
    private static final JsonNode FACTS = JsonMapper.shared().readTree("""
                    {"cpus":2,"pci":["00:00.0 8086:1237","00:04.0 1af4:1000"],
                     "sections":[{"name":"0000:00:04.0/virtio-net"}],
                     "disks":[{"device":"virtio0","node":"#block1","file":"/disk.img","captured":true,"id":"s7"}]}
                    """);

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
    void saysHowToMapARegionThatIsCalledOtherwise() {
        assertThatThrownBy(
                        () -> RestoreCheck.check(memory("ram0", 32 << 20), "pc-i440fx-10.0", FACTS, Map.of(), waiting))
                .asInstanceOf(InstanceOfAssertFactories.type(RefusedException.class))
                .returns("if it is called pc.ram there: --map-block ram0=pc.ram", RefusedException::whatToDo);
        assertThatThrownBy(() -> RestoreCheck.check(
                        memory("ram0", 32 << 20), "pc-i440fx-10.0", FACTS, Map.of("ram0", "mem"), waiting))
                .asInstanceOf(InstanceOfAssertFactories.type(RefusedException.class))
                .returns("if it is called pc.ram there: --map-block ram0=pc.ram", RefusedException::whatToDo);
        assertThatThrownBy(() -> RestoreCheck.check(
                        memory("pc.ram", 32 << 20), "pc-i440fx-10.0", FACTS, Map.of("pc.ram", "ram0"), waiting))
                .asInstanceOf(InstanceOfAssertFactories.type(RefusedException.class))
                .returns(
                        "leave --map-block pc.ram=ram0 out: it is called pc.ram there too", RefusedException::whatToDo);
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

    private static JsonNode facts(String json) {
        return JsonMapper.shared().readTree(json);
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(
            GuestMemoryMap memory, String machine, JsonNode facts, QemuFacts waiting) {
        return assertThatThrownBy(() -> RestoreCheck.check(memory, machine, facts, Map.of(), waiting))
                .isInstanceOf(RefusedException.class);
    }
}
