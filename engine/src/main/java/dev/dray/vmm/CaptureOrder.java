package dev.dray.vmm;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/// What a capture is to do.
///
/// @param onPause shell command to run while the guest stands still; what it prints is the id of the disks' state
/// @param downtimeLimit longest pause that ends a live capture by itself
/// @param timeLimit how long the guest's memory may take to arrive
/// @param stopWhenTimeUp whether a live capture that has not converged by then stops the guest, instead of failing
/// @param bytesPerSecond limit of the transfer; empty for none
/// @param ownRisk whether the user wants to go on with a VMM of a version that Dray was not tried with
public record CaptureOrder(
        CaptureMode mode,
        AfterCapture after,
        Optional<String> onPause,
        Duration downtimeLimit,
        Duration timeLimit,
        boolean stopWhenTimeUp,
        OptionalLong bytesPerSecond,
        boolean ownRisk) {
    /// Without risk.
    public CaptureOrder(
            CaptureMode mode,
            AfterCapture after,
            Optional<String> onPause,
            Duration downtimeLimit,
            Duration timeLimit,
            boolean stopWhenTimeUp,
            OptionalLong bytesPerSecond) {
        this(mode, after, onPause, downtimeLimit, timeLimit, stopWhenTimeUp, bytesPerSecond, false);
    }
}
