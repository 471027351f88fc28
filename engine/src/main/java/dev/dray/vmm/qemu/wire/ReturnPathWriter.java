package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Writes the reverse direction of a migration connection, on the destination's side.
public final class ReturnPathWriter {
    private final ByteSink out;

    public ReturnPathWriter(ByteSink out) {
        this.out = out;
    }

    /// Writes one message at once.
    public void write(ReturnMessage message) throws PeerException {
        Bytes bytes = bytes(message);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(bytes.count());
            MemorySegment.copy(bytes.array(), 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.count());
            out.write(segment);
        }
    }

    private static Bytes bytes(ReturnMessage message) {
        Bytes bytes = new Bytes(32);
        return switch (message) {
            case ReturnMessage.Shut m -> bytes.u16(1).u16(4).u32(m.status());
            case ReturnMessage.Pong m -> bytes.u16(2).u16(4).u32(m.value());
            case ReturnMessage.RequestPages m
            when m.block().isEmpty() -> bytes.u16(4).u16(12).u64(m.offset()).u32(m.bytes());
            case ReturnMessage.RequestPages m ->
                bytes.u16(3)
                        .u16(13 + m.block().length())
                        .u64(m.offset())
                        .u32(m.bytes())
                        .name(m.block());
            case ReturnMessage.ReceivedBitmap m ->
                bytes.u16(5)
                        .u16(1 + m.block().length())
                        .name(m.block())
                        .u64(m.bitmap().length)
                        .put(m.bitmap())
                        .u64(ReturnMessage.ReceivedBitmap.END);
            case ReturnMessage.ResumeAck m -> bytes.u16(6).u16(4).u32(m.value());
            case ReturnMessage.SwitchoverAck _ -> bytes.u16(7).u16(0);
        };
    }
}
