package dev.dray.vmm.qemu.wire;

/// What the reader of a stream knows beforehand, because it set the sender's capabilities.
///
/// @param memoryEnds whether memory ends with an `END` section (pre-copy) or just stops (background-snapshot)
/// @param inputEnds whether the sender ends the connection behind the stream. With the capability
///     `return-path` it falls silent and waits, and the stream's end is found by its last part being whole
/// @param multifd whether pages also travel on further connections
public record StreamForm(boolean memoryEnds, boolean inputEnds, boolean multifd) {
    /// Modes `stop` and `live`: pre-copy with the capability `return-path`.
    public static final StreamForm WAITING = new StreamForm(true, false, false);

    /// Pre-copy without `return-path`, as an eager restore sends it; also a recorded file.
    public static final StreamForm CLOSING = new StreamForm(true, true, false);

    /// Mode `background`: the capability `background-snapshot`.
    public static final StreamForm BACKGROUND = new StreamForm(false, true, false);

    /// The same with the capability `multifd`.
    public StreamForm withMultifd() {
        return new StreamForm(memoryEnds, inputEnds, true);
    }
}
