package dev.dray;

/// Where a guest is when an operation has ended.
public enum GuestFate {
    RUNNING("running"),
    PAUSED("paused"),
    /// No VMM has it: the one that had it has ended, or none was given it.
    GONE("gone"),
    /// It runs, or can run, only as long as a Dray serves it.
    NEEDS_DRAY("needs dray"),
    /// Dray does not know, or the operation has no guest.
    UNKNOWN("unknown");

    private final String word;

    GuestFate(String word) {
        this.word = word;
    }

    /// The word in JSON and in sentences.
    public String word() {
        return word;
    }
}
