package dev.dray.snapshot;

import dev.dray.state.MachineState;
import java.time.Instant;
import java.util.SortedMap;
import tools.jackson.databind.JsonNode;

/// What a capture knows at its end, to be written into the manifest.
///
/// @param taken when the guest's state was taken
/// @param mode how: `background`, `live` or `stop`
/// @param vmm the VMM and its version: `qemu 7.2.22`
/// @param labels the user's own
/// @param state the machine state
/// @param facts everything else: devices, host, command line, timings, disks; a JSON object
public record Publication(
        Instant taken, String mode, String vmm, SortedMap<String, String> labels, MachineState state, JsonNode facts) {}
