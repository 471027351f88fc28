package dev.dray.vmm.qemu;

/// What a driver is to do after a step of [CaptureCourse].
enum CaptureEffect {
    /// QMP `migrate` to Dray's socket.
    START_MIGRATION,
    /// QMP `stop`: only where QEMU cannot stop the guest by itself; the journal says that Dray did it.
    STOP_GUEST,
    /// QMP `cont`.
    CONTINUE_GUEST,
    /// Run the user's command; answers with HookEnded or HookFailed.
    RUN_HOOK,
    /// Let QEMU stop the guest now: raise the downtime limit.
    RAISE_DOWNTIME_LIMIT,
    /// Tell QEMU on the return path that the migration failed, and close the stream: QEMU runs the guest on.
    REFUSE_STREAM,
    /// Tell QEMU on the return path that all is safe: it lets the guest go.
    ACCEPT_STREAM,
    /// Commit the snapshot; answers with Stored or StoreFailed.
    STORE,
    /// Interrupt a commit that is under way; it answers with StoreFailed, or with Stored if it was already done.
    ABANDON_STORE,
    /// QMP `quit`.
    QUIT_QEMU
}
