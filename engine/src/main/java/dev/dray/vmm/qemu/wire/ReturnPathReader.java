package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import org.jspecify.annotations.Nullable;

/// Reads the reverse direction of a migration connection, on the source's side.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class ReturnPathReader {
    public ReturnPathReader(ByteSource in) {
        throw new IllegalStateException("not yet " + in);
    }

    /// Waits for the next message; null when the peer ended the connection between two messages.
    public @Nullable ReturnMessage read() throws PeerException {
        throw new IllegalStateException("not yet");
    }
}
