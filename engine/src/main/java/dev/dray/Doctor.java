package dev.dray;

import dev.dray.error.UsageException;
import java.util.Optional;

/// Says what this host, and a VM, can do; what to do about what they cannot; and puts back what an earlier,
/// killed Dray left changed.
///
/// @param vm the VM as `DIALECT:CONTROL-SOCKET`, or empty for the host alone
public record Doctor(Optional<String> vm) implements Operation<Examined> {
    @Override
    public Examined run(Progress progress) throws OperationException {
        try {
            if (vm.isPresent()) {
                VmAddress.parse(vm.get());
            }
        } catch (UsageException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
        return DoctorRun.run(this, progress);
    }
}
