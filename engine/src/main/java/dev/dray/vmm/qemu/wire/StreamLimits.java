package dev.dray.vmm.qemu.wire;

import dev.dray.memory.GuestMemoryMap;
import dev.dray.state.MachineState;

/// The most of everything that a reader accepts from a peer.
///
/// @param blocks RAM blocks; QEMU guests have about ten, hot-plugged DIMMs add hundreds at most
/// @param memoryBytes all RAM blocks together
/// @param configurationBytes the configuration section: a machine type name and a few subsections of some bytes
/// @param earlyBytes all early sections together: virtio-mem bitmaps, one bit per 2 MiB
/// @param deviceBytes all device sections together; hundreds of KB, with vGPU state hundreds of MB
/// @param descriptionBytes the JSON description of the device sections: 110 KB for a bare PC, some bytes per
///     field of state
public record StreamLimits(
        int blocks, long memoryBytes, int configurationBytes, int earlyBytes, long deviceBytes, int descriptionBytes) {
    /// What real guests stay far below.
    public static final StreamLimits DEFAULT = new StreamLimits(
            GuestMemoryMap.REGIONS_MAX, 1L << 46, 64 << 10, 16 << 20, MachineState.PART_BYTES_MAX, 16 << 20);
}
