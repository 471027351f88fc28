package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import dev.dray.vmm.VirtualMachine;
import dev.dray.vmm.qemu.QemuMachine;

/// The only place that knows which dialects there are.
final class VirtualMachines {
    private VirtualMachines() {}

    /// Reaches a VM; changes nothing.
    static VirtualMachine at(VmAddress address) throws DrayException {
        return switch (address.dialect()) {
            case QEMU -> QemuMachine.at(address.socket());
            case CH ->
                throw new UsageException(
                        "Cloud Hypervisor ('" + address + "') is not in this release",
                        "Use a QEMU: qemu:/path/of/its/qmp.sock");
        };
    }
}
