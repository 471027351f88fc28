package dev.dray.vmm;

/// Where the guest is when an operation ends.
public enum Whereabouts {
    /// It runs in its virtual machine monitor.
    RUNNING,
    /// It stands still in its virtual machine monitor and can be continued there.
    PAUSED,
    /// No virtual machine monitor has it any more.
    GONE,
    /// It runs or waits, and cannot finish without Dray.
    NEEDS_DRAY,
    /// Dray lost sight of it.
    UNKNOWN
}
