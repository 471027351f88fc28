package dev.dray.machine;

import dev.dray.machine.cloudhypervisor.Model;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.vmm.Faults;
import dev.dray.memory.PageSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// How a [BuiltinMachine] is started.
///
/// @param name what the machine is called
/// @param controlSockets where clients connect: QMP ones, of which each takes one at a time, or API ones
/// @param isIncoming whether it waits for a guest instead of starting its own
/// @param memoryBytes size of main memory
/// @param program what its own guest does
/// @param serialSocket unix socket where commands are typed at the guest's serial port
/// @param report file that the guest's serial port is written to
/// @param model which Cloud Hypervisor it is; empty for QEMU
/// @param refusedCapabilities migration capabilities that it claims its host does not allow
/// @param faults what goes wrong
public record MachineOptions(
        String name,
        List<Path> controlSockets,
        boolean isIncoming,
        long memoryBytes,
        ProgramSettings program,
        Optional<Path> serialSocket,
        Optional<Path> report,
        Optional<Model> model,
        Set<String> refusedCapabilities,
        Faults faults) {
    /// Smallest machine: 8 MiB.
    public static final long MEMORY_MIN = 8L << 20;

    /// Largest machine: 64 GiB; its memory comes from this host's as it is touched.
    public static final long MEMORY_MAX = 64L << 30;

    public MachineOptions {
        controlSockets = List.copyOf(controlSockets);
        refusedCapabilities = Set.copyOf(refusedCapabilities);
        if (memoryBytes < MEMORY_MIN || memoryBytes > MEMORY_MAX || !PageSize.isAligned(memoryBytes)) {
            throw new IllegalArgumentException("memory of " + memoryBytes + " bytes: from " + MEMORY_MIN + " to "
                    + MEMORY_MAX + ", in whole pages");
        }
    }

    /// A machine with 32 MiB that starts its own guest, and speaks as QEMU does.
    public static MachineOptions at(Path controlSocket) {
        return new MachineOptions(
                "",
                List.of(controlSocket),
                false,
                32 << 20,
                ProgramSettings.standard(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Set.of(),
                Faults.none());
    }

    /// The same that speaks as Cloud Hypervisor does.
    public static MachineOptions cloudHypervisor(Path apiSocket) {
        return at(apiSocket).with(Model.standard());
    }

    /// Waits for a guest.
    public MachineOptions incoming() {
        return new MachineOptions(
                name,
                controlSockets,
                true,
                memoryBytes,
                program,
                serialSocket,
                report,
                model,
                refusedCapabilities,
                faults);
    }

    public MachineOptions withName(String other) {
        return new MachineOptions(
                other,
                controlSockets,
                isIncoming,
                memoryBytes,
                program,
                serialSocket,
                report,
                model,
                refusedCapabilities,
                faults);
    }

    public MachineOptions withMemory(long bytes) {
        return new MachineOptions(
                name,
                controlSockets,
                isIncoming,
                bytes,
                program,
                serialSocket,
                report,
                model,
                refusedCapabilities,
                faults);
    }

    public MachineOptions with(ProgramSettings other) {
        return new MachineOptions(
                name,
                controlSockets,
                isIncoming,
                memoryBytes,
                other,
                serialSocket,
                report,
                model,
                refusedCapabilities,
                faults);
    }

    public MachineOptions with(Model other) {
        return new MachineOptions(
                name,
                controlSockets,
                isIncoming,
                memoryBytes,
                program,
                serialSocket,
                report,
                Optional.of(other),
                refusedCapabilities,
                faults);
    }

    public MachineOptions refusing(String... capabilities) {
        return new MachineOptions(
                name,
                controlSockets,
                isIncoming,
                memoryBytes,
                program,
                serialSocket,
                report,
                model,
                Set.of(capabilities),
                faults);
    }

    public MachineOptions with(Faults other) {
        return new MachineOptions(
                name,
                controlSockets,
                isIncoming,
                memoryBytes,
                program,
                serialSocket,
                report,
                model,
                refusedCapabilities,
                other);
    }
}
