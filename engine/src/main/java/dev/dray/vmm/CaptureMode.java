package dev.dray.vmm;

/// How the guest's memory is read while it runs.
public enum CaptureMode {
    /// Chosen by what the virtual machine and the host allow.
    AUTO,
    /// A copy-on-write image of one instant: the guest stops for about a millisecond.
    BACKGROUND,
    /// Pre-copy: the guest runs while memory is read, and stops for the rest.
    LIVE,
    /// The guest stands still while memory is read.
    STOP;

    /// The word for it in commands and outcomes.
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
