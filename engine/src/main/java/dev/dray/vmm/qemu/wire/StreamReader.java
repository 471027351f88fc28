package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;

/// Reads a whole pre-copy or background-snapshot stream from its first byte to its last. Belongs to one thread.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class StreamReader {
    public StreamReader(ByteSource in, StreamForm form, StreamLimits limits, StreamEvents events) {
        throw new IllegalStateException("not yet " + in + form + limits + events);
    }

    /// Reads until the stream is whole. A [dev.dray.error.PeerException] names what was found and where; other
    /// exceptions come from `events` and its page destination.
    public CapturedStream read() throws DrayException {
        throw new IllegalStateException("not yet");
    }
}
