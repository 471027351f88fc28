package dev.dray.vmm.qemu;

import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.VirtualMachine.Finding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What `dray doctor` says of one QEMU, from facts that were asked without changing anything.
final class Examination {
    private Examination() {}

    static List<Finding> of(QemuFacts facts, QemuProcess process) {
        var findings = new ArrayList<Finding>();
        findings.add(new Finding(
                "vmm",
                true,
                facts.vmm() + ", machine " + facts.machine() + ", guest " + facts.status()
                        + process.pid().map(pid -> ", process " + pid).orElse(""),
                ""));
        findings.add(capture(facts, process));
        danger(facts, process)
                .ifPresent(each -> findings.add(new Finding("background", false, each.reason(), each.wayOut())));
        findings.add(new Finding(
                "command line",
                !process.commandLine().isEmpty(),
                process.commandLine().isEmpty()
                        ? "the VMM's command line cannot be read, so dray show --command will have nothing to print"
                        : "the VMM's command line can be read",
                process.commandLine().isEmpty() ? "run Dray as the VMM's user, or as root" : ""));
        for (GuestDisk disk : facts.disks()) {
            findings.add(new Finding(
                    "disk " + disk.device(),
                    false,
                    disk.file() + " can be written by the guest and is not captured with it",
                    "take a disk snapshot with --on-pause, and restore both together"));
        }
        return findings;
    }

    private static Optional<NoBackground> danger(QemuFacts facts, QemuProcess process) {
        return NoBackground.danger(facts.version(), process.confinement());
    }

    private static Finding capture(QemuFacts facts, QemuProcess process) {
        if (facts.status().equals("inmigrate")) {
            return new Finding("restore", true, "this QEMU waits for a guest to be restored into it", "");
        }
        try {
            var order = new CaptureOrder(
                    CaptureMode.AUTO,
                    AfterCapture.RESUME,
                    Optional.empty(),
                    Duration.ofMillis(300),
                    Duration.ofMinutes(5),
                    false,
                    OptionalLong.empty());
            CaptureChoice choice = CaptureChoice.of(order, facts, danger(facts, process));
            return new Finding(
                    "capture",
                    true,
                    "can be captured, mode " + choice.plan().mode().word() + " first",
                    "");
        } catch (RefusedException e) {
            return new Finding("capture", false, String.valueOf(e.getMessage()), e.whatToDo());
        }
    }
}
