package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;

/// Writes the reverse direction of a migration connection, on the destination's side.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class ReturnPathWriter {
    public ReturnPathWriter(ByteSink out) {
        throw new IllegalStateException("not yet " + out);
    }

    /// Writes one message at once.
    public void write(ReturnMessage message) throws PeerException {
        throw new IllegalStateException("not yet " + message);
    }
}
