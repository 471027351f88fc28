package dev.dray.vmm;

/// What becomes of the guest once it is captured.
public enum AfterCapture {
    /// As it was: running stays running, paused stays paused.
    RESUME,
    /// It stands still in its virtual machine monitor.
    PAUSE,
    /// Its virtual machine monitor is ended.
    QUIT
}
