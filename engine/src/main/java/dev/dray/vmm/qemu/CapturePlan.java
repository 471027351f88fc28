package dev.dray.vmm.qemu;

import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;

/// How one capture is to go, once the virtual machine has been looked at.
///
/// @param mode never [CaptureMode#AUTO]
/// @param guestRuns whether the guest runs as the capture begins
/// @param hook whether a command is to run while the guest stands still
/// @param stopWhenTimeUp whether a live capture that does not converge stops the guest, instead of failing
record CapturePlan(CaptureMode mode, AfterCapture after, boolean guestRuns, boolean hook, boolean stopWhenTimeUp) {
    /// Whether QEMU waits for Dray's word on the return path before it lets the guest go.
    boolean returnPath() {
        return mode != CaptureMode.BACKGROUND;
    }
}
