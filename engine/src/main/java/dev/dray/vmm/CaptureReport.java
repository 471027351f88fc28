package dev.dray.vmm;

import java.util.List;

/// How a capture went.
///
/// @param mode how it was really captured
/// @param modeReason why that mode, one sentence without a full stop
/// @param guest where the guest is now
/// @param pauseMs how long it stood still
/// @param phases what took how long, in order
public record CaptureReport(
        CaptureMode mode, String modeReason, Whereabouts guest, double pauseMs, List<PhaseTime> phases) {
    public CaptureReport {
        phases = List.copyOf(phases);
    }

    /// @param name `memory`, `store`, ...
    public record PhaseTime(String name, double ms) {}
}
