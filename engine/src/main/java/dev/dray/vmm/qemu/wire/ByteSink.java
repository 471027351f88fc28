package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;

/// Where a stream's bytes go.
@FunctionalInterface
public interface ByteSink {
    /// Takes all bytes of `from`; they may be overwritten as soon as this returns.
    void write(MemorySegment from) throws PeerException;
}
