package dev.dray.vmm.qemu.wire;

import tools.jackson.databind.node.ObjectNode;

/// Tells what is in a stream of any kind, also a damaged one: as far as it can be read, and why no farther.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class StreamPrinter {
    public StreamPrinter(ByteSource in, StreamLimits limits) {
        throw new IllegalStateException("not yet " + in + limits);
    }

    /// Reads to the end, or to the damage, which becomes the fields `stoppedAt` and `why`.
    public ObjectNode json() {
        throw new IllegalStateException("not yet");
    }

    /// The same as lines of text.
    public static String text(ObjectNode json) {
        return json.toPrettyString();
    }
}
