package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.WorkingSet;
import dev.dray.state.MachineState;
import dev.dray.vmm.DiskCheck;
import dev.dray.vmm.HostFacts;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A guest as it goes to a VMM: the documents that are sent, and which memory goes which way. Made, with all checks,
/// before anything is said.
///
/// @param slots pieces of memory, ascending; the index is the region's in the snapshot
/// @param pageBytes size of the host pages behind each slot
/// @param inFile whether the VMM maps a file of the user's behind each slot, which may hold anything, unless it is
///     handed another
/// @param givesBack whether the guest can give pages back to its host
/// @param shared whether memory is handed over as open files, else it goes over connections
/// @param prefetch what is fetched first, if the guest is to run before its memory is in place; empty for eager
/// @param paused whether the guest is to stand still in the end
/// @param warnings what the user should know of it
@SuppressWarnings("ArrayRecordComponent") // documents, sent as they are and never compared
record SendPlan(
        byte[] config,
        byte[] state,
        List<RamSlot> slots,
        List<Long> pageBytes,
        List<Boolean> inFile,
        boolean givesBack,
        boolean shared,
        Optional<WorkingSet> prefetch,
        boolean paused,
        List<String> warnings) {
    /// @param unix whether open files can be handed over
    static SendPlan of(RestoreOrder order, RestoreImage image, boolean unix, Versions versions) throws DrayException {
        MachineState machine = image.state();
        byte[] recorded = machine.parts().get("config");
        byte[] state = machine.parts().get("state");
        if (!machine.dialect().equals("cloud-hypervisor") || recorded == null || state == null) {
            throw new RefusedException(
                    "The snapshot is of a guest of " + machine.dialect() + ", not of Cloud Hypervisor",
                    "restore it into a VMM of the kind that it came from");
        }
        boolean lazy = order.lazy().isPresent();
        byte[] edited = ConfigEdit.apply(recorded, order.settings());
        byte[] unforced = lazy ? ConfigEdit.withoutPrefault(edited) : edited;
        byte[] config = lazy ? ConfigEdit.onDemand(unforced) : ConfigEdit.eager(unforced);
        MigrationConfig parsed = MigrationConfig.parse(config);
        check(order, image, versions, parsed);
        List<Long> pageBytes = parsed.slots().stream().map(parsed::pageBytes).toList();
        boolean shared = unix && parsed.sharedMemory() && (!lazy || versions.sharedOnDemand());
        if (lazy && !shared && pageBytes.stream().anyMatch(bytes -> bytes != PageSize.BYTES)) {
            throw new RefusedException(
                    "Huge pages are not sent on demand over " + (unix ? "this VMM's connection" : "TCP"),
                    "restore over a unix socket, or without --lazy");
        }
        List<Boolean> inFile = parsed.slots().stream()
                .map(slot -> !slot.virtioMem() && parsed.zone(slot).path("file").isString())
                .toList();
        if (lazy && !shared && inFile.contains(true)) {
            throw new RefusedException(
                    "The guest's memory lies in files, and the VMM would not ask for what it finds in them",
                    unix ? "restore without --lazy" : "restore over a unix socket, or without --lazy");
        }
        boolean ran = image.facts().path("was_running").asBoolean(true);
        return new SendPlan(
                config,
                state,
                parsed.slots(),
                pageBytes,
                inFile,
                parsed.vmConfig().path("balloon").isObject(),
                shared,
                order.lazy(),
                order.paused() || !ran,
                Arrays.equals(unforced, edited) ? List.of() : List.of(UNFORCED));
    }

    private static final String UNFORCED = "the VM has prefault=on, with which Cloud Hypervisor takes no guest lazily:"
            + " it is restored with prefault=off, which the guest does not see";

    private static void check(RestoreOrder order, RestoreImage image, Versions versions, MigrationConfig config)
            throws DrayException {
        versions.check(order.ownRisk());
        CpuidCheck.check(config.commonCpuid(), image.facts().path("host"), HostFacts.read(), order.ownRisk());
        DiskCheck.check(image.facts().path("disks"), Disks.writable(config.vmConfig()), order.disks(), order.taken());
        List<MemoryRegion> regions = image.memory().regions();
        boolean fits = regions.size() == config.slots().size();
        for (int i = 0; fits && i < regions.size(); i++) {
            RamSlot slot = config.slots().get(i);
            fits = regions.get(i).name().equals(slot.regionName())
                    && regions.get(i).bytes() == slot.bytes();
        }
        if (!fits) {
            throw new CorruptException(
                    "The snapshot's memory is not the memory of its configuration", "verify the snapshot");
        }
    }

    boolean lazy() {
        return prefetch.isPresent();
    }

    /// Regions that have to be in place before the guest's state is sent. Of a lazy guest, those of virtio-mem: the
    /// VMM does not know yet which of their pages are the guest's, and would never ask for them.
    List<Integer> eagerRegions() {
        return IntStream.range(0, slots.size())
                .filter(i -> !lazy() || slots.get(i).virtioMem())
                .boxed()
                .toList();
    }

    SenderCourse.Plan course() {
        return new SenderCourse.Plan(shared ? slots.size() : 0, lazy(), paused);
    }

    long bytes() {
        return slots.stream().mapToLong(RamSlot::bytes).sum();
    }
}
