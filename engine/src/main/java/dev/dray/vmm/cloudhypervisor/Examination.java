package dev.dray.vmm.cloudhypervisor;

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

/// What `dray doctor` says of one Cloud Hypervisor, from facts that were asked without changing anything.
final class Examination {
    private Examination() {}

    /// @param lacks whether the Dray that gave the guest its memory is gone
    static List<Finding> of(VmFacts facts, boolean lacks) {
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding(
                "vmm",
                facts.versions().known(),
                facts.versions().vmm()
                        + (facts.state().isEmpty() ? ", no VM" : ", VM " + facts.state())
                        + facts.pid().map(pid -> ", process " + pid).orElse("")
                        + (facts.versions().known() ? "" : ": a version that Dray was not tried with"),
                facts.versions().known() ? "" : "use another version, or go on with --own-risk"));
        if (facts.state().isEmpty()) {
            findings.add(new Finding("restore", true, "a guest can be restored into this Cloud Hypervisor", ""));
            return findings;
        }
        if (lacks) {
            findings.add(new Finding(
                    "guest",
                    false,
                    "the guest lacks some of its memory, since a Dray that was killed gave it its memory: the VMM ends"
                            + " as soon as the guest touches what it lacks",
                    "kill the VMM, and restore into another; the snapshot is untouched. If the VM was made anew in"
                            + " this VMM since then, pass over this"));
            return findings;
        }
        findings.add(capture(facts));
        boolean shared = CaptureRoute.isHandedOver(facts.config());
        findings.add(new Finding(
                "memory",
                shared,
                shared
                        ? "the VM's memory is shared: it can be read while the guest runs"
                        : "the VM's memory is not shared: a capture ends the VM",
                shared ? "" : "start it with --memory shared=on"));
        for (GuestDisk disk : Disks.writable(facts.config())) {
            findings.add(new Finding(
                    "disk " + disk.device(),
                    false,
                    disk.file() + " can be written by the guest and is not captured with it",
                    "take a disk snapshot with --on-pause, and restore both together"));
        }
        return findings;
    }

    private static Finding capture(VmFacts facts) {
        List<String> ways = new ArrayList<>();
        Optional<RefusedException> refusal = Optional.empty();
        for (AfterCapture after : AfterCapture.values()) {
            try {
                CaptureRoute route = CaptureRoute.of(order(after), facts);
                ways.add("--after " + after.name().toLowerCase(java.util.Locale.ROOT) + " (mode "
                        + route.mode().word() + ")");
            } catch (RefusedException e) {
                refusal = refusal.or(() -> Optional.of(e));
            }
        }
        return new Finding(
                "capture",
                !ways.isEmpty(),
                ways.isEmpty()
                        ? refusal.map(Throwable::getMessage).orElse("")
                        : "can be captured with " + String.join(", ", ways),
                refusal.map(RefusedException::whatToDo).orElse(""));
    }

    private static CaptureOrder order(AfterCapture after) {
        return new CaptureOrder(
                CaptureMode.AUTO,
                after,
                Optional.empty(),
                Duration.ofMillis(300),
                Duration.ofMinutes(5),
                false,
                OptionalLong.empty());
    }
}
