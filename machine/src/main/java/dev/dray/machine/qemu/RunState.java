package dev.dray.machine.qemu;

/// What a guest does, in QEMU's words.
enum RunState {
    RUNNING("running"),
    PAUSED("paused"),
    /// Waits for a guest to come in.
    INMIGRATE("inmigrate"),
    /// Stopped by an outgoing migration that has not ended.
    FINISH_MIGRATE("finish-migrate"),
    /// The guest went out.
    POSTMIGRATE("postmigrate");

    private final String word;

    RunState(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }
}
