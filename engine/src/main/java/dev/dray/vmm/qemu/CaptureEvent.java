package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;

/// All that can happen to a capture, for [CaptureCourse#next].
sealed interface CaptureEvent {
    /// QEMU's migration changed its status: `setup`, `active`, `device`, `completed`, `failed`, `cancelled`, ...
    record MigrationStatus(String status) implements CaptureEvent {}

    /// The guest stands still since `micros` (QEMU's clock).
    record GuestStopped(long micros) implements CaptureEvent {}

    /// The guest runs again since `micros`.
    record GuestResumed(long micros) implements CaptureEvent {}

    /// The first page of memory has arrived.
    record FirstPage() implements CaptureEvent {}

    /// Every byte of the stream has arrived and was accepted.
    record StreamEnded() implements CaptureEvent {}

    /// The stream cannot be used: it broke off, was refused, or its pages could not be stored.
    record StreamBroke(DrayException reason) implements CaptureEvent {}

    /// The time limit for the memory to arrive is over.
    record TimeUp() implements CaptureEvent {}

    /// The user's command for the standing guest has ended well.
    record HookEnded() implements CaptureEvent {}

    /// The user's command for the standing guest has failed.
    record HookFailed(DrayException reason) implements CaptureEvent {}

    /// The snapshot is durable and visible.
    record Stored() implements CaptureEvent {}

    /// The snapshot could not be stored.
    record StoreFailed(DrayException reason) implements CaptureEvent {}

    /// The user wants to stop.
    record Cancelled(DrayException reason) implements CaptureEvent {}

    /// QEMU closed its control connection.
    record QemuLost(boolean processGone) implements CaptureEvent {}

    /// QEMU did not do in time what this state waits for; `status` is what it says of the guest now, or empty.
    record PatienceEnded(String status) implements CaptureEvent {}
}
