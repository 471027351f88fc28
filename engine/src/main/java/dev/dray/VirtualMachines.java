package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.vmm.VirtualMachine;
import dev.dray.vmm.cloudhypervisor.CloudHypervisorMachine;
import dev.dray.vmm.qemu.QemuMachine;

/// The only place that knows which dialects there are.
final class VirtualMachines {
    private VirtualMachines() {}

    /// Reaches a VM; changes nothing.
    static VirtualMachine at(VmAddress address) throws DrayException {
        return switch (address.dialect()) {
            case QEMU -> QemuMachine.at(address.socket());
            case CH -> CloudHypervisorMachine.at(address.socket());
        };
    }
}
