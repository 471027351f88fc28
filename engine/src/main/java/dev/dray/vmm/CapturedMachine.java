package dev.dray.vmm;

import dev.dray.state.MachineState;
import java.time.Instant;
import tools.jackson.databind.node.ObjectNode;

/// All of a captured guest but its pages.
///
/// @param taken the last moment at which memory and disks were those of the snapshot
/// @param vmm name and version of its virtual machine monitor, `qemu 7.2.22`
/// @param mode how it was really captured: never [CaptureMode#AUTO]
/// @param facts what else is known of it: devices, disks, command line, host; the dialect's own words
public record CapturedMachine(Instant taken, String vmm, CaptureMode mode, MachineState state, ObjectNode facts) {}
