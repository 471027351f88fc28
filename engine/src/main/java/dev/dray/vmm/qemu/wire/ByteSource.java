package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;

/// Where a stream's bytes come from: a socket, a file, a test's array.
@FunctionalInterface
public interface ByteSource {
    /// Waits for bytes and puts at least one of them at the start of `into`.
    ///
    /// @return how many bytes were put, or -1 when the peer has ended the stream
    int read(MemorySegment into) throws PeerException;
}
