package dev.dray.vmm.qemu;

import java.util.Optional;

/// Why a virtual machine cannot be captured in the background.
///
/// @param reason one sentence without a full stop
/// @param wayOut what to do about it
record NoBackground(String reason, String wayOut) {
    /// QEMU itself refuses.
    static NoBackground saidQemu(String words) {
        return new NoBackground(
                "QEMU does not allow a background snapshot of this VM: " + words,
                "use --mode live or stop; background snapshots need userfaultfd (root, or"
                        + " vm.unprivileged_userfaultfd=1) and anonymous or shared-memory guest memory");
    }

    /// Where a background snapshot that breaks off would hang the guest for ever: see [DrainingPipe].
    static Optional<NoBackground> danger(String version, Confinement confinement) {
        return confinement == Confinement.NONE || !DrainingPipe.isNeededBy(version)
                ? Optional.empty()
                : Optional.of(new NoBackground(
                        "A background snapshot that breaks off hangs the guest of a QEMU before 8.2 for ever, and this"
                                + " one (" + version + ") cannot start the program that prevents it: "
                                + confinement.because(),
                        "use --mode live or stop, or a QEMU from 8.2"
                                + (confinement == Confinement.UNKNOWN ? ", or run Dray as QEMU's user or root" : "")));
    }
}
