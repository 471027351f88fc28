package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.linux.Userfaultfd;
import dev.dray.seal.Crypto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Carries out a [Doctor].
final class DoctorRun {
    private DoctorRun() {}

    static Examined run(Doctor request, Progress progress) throws OperationException {
        try {
            var findings = new ArrayList<>(host());
            var putBack = new ArrayList<String>();
            if (request.vm().isPresent()) {
                vm(VmAddress.parse(request.vm().get()), findings, putBack);
            }
            return new Examined(findings, putBack);
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }

    private static void vm(VmAddress address, List<Examined.Finding> findings, List<String> putBack)
            throws DrayException {
        var state = StateDirectory.open();
        try (var _ = VmLock.take(state, address);
                var vm = VirtualMachines.at(address);
                var _ = VmLock.take(state, address, vm.identity())) {
            var journal = VmJournal.of(state, address);
            vm.putBack(journal).ifPresent(putBack::add);
            vm.examine(journal)
                    .forEach(each -> findings.add(
                            new Examined.Finding(each.subject(), each.ok(), each.message(), each.whatToDo())));
        }
    }

    private static List<Examined.Finding> host() {
        boolean faults = Userfaultfd.permitted();
        boolean kvm = Files.isWritable(Path.of("/dev/kvm"));
        String crypto = Crypto.best().name();
        boolean native_ = Crypto.libcrypto().isPresent();
        return List.of(
                new Examined.Finding(
                        "userfaultfd",
                        faults,
                        faults
                                ? "this user may use userfaultfd: QEMU run by it can take background snapshots"
                                : "this user may not use userfaultfd: QEMU run by it cannot take background snapshots,"
                                        + " and captures pause the guest longer",
                        faults ? "" : "sysctl vm.unprivileged_userfaultfd=1, or access to /dev/userfaultfd"),
                new Examined.Finding(
                        "kvm",
                        kvm,
                        kvm
                                ? "/dev/kvm can be used"
                                : "/dev/kvm cannot be used: guests run slowly, and Dray works all the same",
                        kvm ? "" : "give this user access to /dev/kvm if the host has it"),
                new Examined.Finding(
                        "encryption",
                        native_,
                        "encryption by " + crypto + (native_ ? "" : ", slower in the first seconds"),
                        native_ ? "" : "install libssl3"));
    }
}
