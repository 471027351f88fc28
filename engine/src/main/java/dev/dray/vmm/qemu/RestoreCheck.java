package dev.dray.vmm.qemu;

import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/// Whether a waiting QEMU is the machine that a snapshot came from, before a byte is sent: one process takes one
/// migration,
/// so that what QEMU would find out itself costs the user a start.
final class RestoreCheck {
    private RestoreCheck() {}

    /// The memory map with the waiting machine's names, in the snapshot's order.
    ///
    /// @param names region names of the snapshot to those of the waiting machine, where they differ
    static GuestMemoryMap check(
            GuestMemoryMap memory, String machineType, JsonNode facts, Map<String, String> names, QemuFacts waiting)
            throws RefusedException {
        waits(waiting);
        if (!machineType.equals(waiting.machine())) {
            throw differs(
                    "the snapshot is of machine type " + machineType + ", the waiting VM is " + waiting.machine(),
                    "start QEMU with -machine " + machineType);
        }
        int cpus = facts.path(MachineFacts.CPUS).asInt(0);
        if (cpus != 0 && waiting.cpus() != 0 && cpus != waiting.cpus()) {
            throw differs(
                    "the snapshot has " + cpus + " CPUs, the waiting VM has " + waiting.cpus(),
                    "start QEMU with -smp " + cpus);
        }
        pci(facts, waiting);
        return regions(memory, names, waiting);
    }

    private static void waits(QemuFacts waiting) throws RefusedException {
        if (!waiting.status().equals("inmigrate")) {
            throw new RefusedException(
                    "This QEMU does not wait for a guest: it is " + waiting.status(),
                    "start one with the same machine and -incoming defer; dray show SNAPSHOT --command prints how");
        }
        if (!waiting.migration().equals("none")) {
            throw new RefusedException(
                    "This QEMU already has an incoming migration (status " + waiting.migration() + ")",
                    "start it again with -incoming defer, so that Dray can choose the connection");
        }
    }

    private static GuestMemoryMap regions(GuestMemoryMap memory, Map<String, String> names, QemuFacts waiting)
            throws RefusedException {
        for (String name : names.keySet()) {
            if (memory.indexOf(name) < 0) {
                throw differs("the snapshot has no memory region " + name + " to map", "dray show lists its regions");
            }
        }
        var renamed = new ArrayList<MemoryRegion>();
        var unseen = new TreeSet<String>();
        waiting.ramBlocks().forEach(block -> unseen.add(block.name()));
        for (MemoryRegion region : memory.regions()) {
            String name = names.getOrDefault(region.name(), region.name());
            RamBlock block = find(waiting, name).orElseThrow(() -> missing(name, region, unseen, waiting));
            unseen.remove(name);
            lengths(region, block);
            renamed.add(new MemoryRegion(name, region.bytes(), block.pageBytes(), region.gpas()));
        }
        if (!unseen.isEmpty()) {
            throw differs(
                    "the waiting VM has memory that the snapshot lacks: " + String.join(", ", unseen),
                    "start QEMU with the same devices as the captured VM");
        }
        return new GuestMemoryMap(renamed);
    }

    private static RefusedException missing(String name, MemoryRegion region, Set<String> unseen, QemuFacts waiting) {
        String what = "the waiting VM has no memory region " + name + " (" + region.bytes() + " bytes)";
        if (unseen.contains(region.name())) {
            return differs(
                    what,
                    "leave --map-block " + region.name() + "=" + name + " out: it is called " + region.name()
                            + " there too");
        }
        Optional<String> similar = waiting.ramBlocks().stream()
                .filter(block -> block.usedBytes() == region.bytes())
                .map(RamBlock::name)
                .filter(each -> unseen.contains(each) && !each.contains("/"))
                .findFirst();
        return differs(
                what,
                similar.map(other -> "if it is called " + other + " there: --map-block " + region.name() + "=" + other)
                        .orElse("start QEMU with the same memory and devices as the captured VM"));
    }

    /// QEMU itself resizes firmware tables; everything else has to be as long as it was.
    private static void lengths(MemoryRegion region, RamBlock block) throws RefusedException {
        boolean resizable = region.name().startsWith("/rom@") && region.bytes() <= block.maxBytes();
        if (region.bytes() != block.usedBytes() && !resizable) {
            throw differs(
                    "memory region " + region.name() + " has " + region.bytes() + " bytes in the snapshot and "
                            + block.usedBytes() + " in the waiting VM",
                    region.name().contains("/") ? "start QEMU with the same devices" : "start QEMU with the same -m");
        }
    }

    private static Optional<RamBlock> find(QemuFacts waiting, String name) {
        return waiting.ramBlocks().stream()
                .filter(block -> block.name().equals(name))
                .findFirst();
    }

    private static void pci(JsonNode facts, QemuFacts waiting) throws RefusedException {
        JsonNode recorded = facts.path(MachineFacts.PCI);
        if (recorded.isEmpty() || waiting.pci().isEmpty()) {
            return;
        }
        var captured = new ArrayList<String>();
        recorded.forEach(each -> captured.add(each.asString("")));
        List<String> missing = without(captured, waiting.pci());
        List<String> surplus = without(waiting.pci(), captured);
        if (!missing.isEmpty() || !surplus.isEmpty()) {
            var text = new ArrayList<String>();
            missing.forEach(each -> text.add("the waiting VM lacks PCI device " + named(each, facts)));
            surplus.forEach(each -> text.add("the snapshot lacks PCI device " + each + " of the waiting VM"));
            throw differs(
                    String.join("; ", text),
                    "start QEMU with the same devices: dray show SNAPSHOT --command prints how");
        }
    }

    /// A PCI device with the name of its section, `00:04.0 1af4:1000 (virtio-net)`.
    private static String named(String pci, JsonNode facts) {
        String address = "0000:" + pci.substring(0, Math.min(7, pci.length())) + "/";
        for (JsonNode section : facts.path("sections")) {
            String name = section.path("name").asString("");
            if (name.startsWith(address)) {
                return pci + " (" + name.substring(address.length()) + ")";
            }
        }
        return pci;
    }

    private static List<String> without(List<String> all, List<String> some) {
        var rest = new ArrayList<>(all);
        some.forEach(rest::remove);
        return rest;
    }

    private static RefusedException differs(String what, String whatToDo) {
        return new RefusedException("The waiting VM is not the captured machine: " + what, whatToDo);
    }
}
