package dev.dray.vmm;

import dev.dray.state.MachineState;
import dev.dray.vmm.CaptureReport.PhaseTime;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/// All of a captured guest but its pages.
///
/// @param taken the last moment at which memory and disks were those of the snapshot
/// @param vmm name and version of its virtual machine monitor, `qemu 7.2.22`
/// @param mode how it was really captured: never [CaptureMode#AUTO]
/// @param facts what else is known of it: devices, disks, command line, host; the dialect's own words
public record CapturedMachine(Instant taken, String vmm, CaptureMode mode, MachineState state, ObjectNode facts) {
    private static final double MS_PARTS = 10;

    /// Notes in the facts how long it took until now.
    ///
    /// @param pauseMs how long the guest stood still; empty if it still does, or had done so before
    /// @param phases that are over
    public CapturedMachine timed(OptionalDouble pauseMs, List<PhaseTime> phases) {
        ObjectNode timings = facts.putObject("timings");
        pauseMs.ifPresent(ms -> timings.put("pause_ms", rounded(ms)));
        var array = timings.putArray("phases");
        phases.forEach(phase -> array.addObject().put("name", phase.name()).put("ms", rounded(phase.ms())));
        return this;
    }

    private static double rounded(double ms) {
        return Math.round(ms * MS_PARTS) / MS_PARTS;
    }
}
