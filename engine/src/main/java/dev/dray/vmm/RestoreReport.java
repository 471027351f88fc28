package dev.dray.vmm;

import java.util.List;
import java.util.Optional;

/// How a restore went.
///
/// @param vmm name and version of the virtual machine monitor that has the guest now
/// @param guest where the guest is now: running, or paused
/// @param resumeMs from the first message to the guest running (or ready to run)
/// @param residentMs from the first message to all memory in place
/// @param sentBytes page contents sent
/// @param lazy how the guest was served after it ran; empty if the restore was eager
public record RestoreReport(
        String vmm,
        Whereabouts guest,
        double resumeMs,
        double residentMs,
        long sentBytes,
        List<CaptureReport.PhaseTime> phases,
        Optional<LazyReport> lazy) {
    public RestoreReport {
        phases = List.copyOf(phases);
    }
}
