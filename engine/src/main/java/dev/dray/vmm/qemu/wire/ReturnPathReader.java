package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import org.jspecify.annotations.Nullable;

/// Reads the reverse direction of a migration connection, on the source's side. Belongs to one thread.
public final class ReturnPathReader {
    private final StreamInput in;

    public ReturnPathReader(ByteSource in) {
        this.in = new StreamInput(in);
    }

    /// Waits for the next message; null when the peer ended the connection between two messages.
    public @Nullable ReturnMessage read() throws PeerException {
        if (!in.has(1)) {
            return null;
        }
        int type = in.u16("a return message");
        int bytes = in.u16("a return message");
        return switch (type) {
            case 1 -> fixed(new ReturnMessage.Shut(in.u32("SHUT")), bytes, 4);
            case 2 -> fixed(new ReturnMessage.Pong(in.u32("PONG")), bytes, 4);
            case 3 -> requestWithName(bytes);
            case 4 -> fixed(request(in.u64("REQ_PAGES"), in.u32("REQ_PAGES"), ""), bytes, 12);
            case 5 -> bitmap(bytes);
            case 6 -> fixed(new ReturnMessage.ResumeAck(in.u32("RESUME_ACK")), bytes, 4);
            case 7 -> fixed(new ReturnMessage.SwitchoverAck(), bytes, 0);
            default -> throw Refusal.broken("Return message " + type + " with " + bytes + " bytes is unknown");
        };
    }

    private ReturnMessage requestWithName(int bytes) throws PeerException {
        long offset = in.u64("REQ_PAGES_ID");
        int length = in.u32("REQ_PAGES_ID");
        String block = in.name("REQ_PAGES_ID");
        if (block.isEmpty()) {
            throw Refusal.broken("Return message REQ_PAGES_ID names no RAM block");
        }
        return fixed(request(offset, length, block), bytes, 13 + block.length());
    }

    private static ReturnMessage request(long offset, int bytes, String block) throws PeerException {
        if (offset < 0 || bytes <= 0) {
            throw Refusal.broken("A request asks for " + Integer.toUnsignedString(bytes) + " bytes at 0x"
                    + Long.toHexString(offset) + " of RAM block '" + block + "'");
        }
        return new ReturnMessage.RequestPages(block, offset, bytes);
    }

    private ReturnMessage bitmap(int bytes) throws PeerException {
        String block = in.name("RECV_BITMAP");
        if (bytes != 1 + block.length()) {
            throw Refusal.broken("Return message RECV_BITMAP has " + bytes + " bytes, its name " + block.length());
        }
        long count = in.u64("RECV_BITMAP");
        int max = ReturnMessage.ReceivedBitmap.BYTES_MAX;
        if (Long.compareUnsigned(count, max) > 0 || count % 8 != 0) {
            throw Refusal.broken("The bitmap of RAM block '" + block + "' has " + Long.toUnsignedString(count)
                    + " bytes; at most " + max + " in words of 8 are possible");
        }
        Bytes bitmap = new Bytes(64);
        while (bitmap.count() < count) {
            bitmap.put(in.bytes((int) Math.min(count - bitmap.count(), 1 << 16), "RECV_BITMAP"));
        }
        long end = in.u64("RECV_BITMAP");
        if (end != ReturnMessage.ReceivedBitmap.END) {
            throw Refusal.broken("The bitmap of RAM block '" + block + "' ends with 0x" + Long.toHexString(end));
        }
        return new ReturnMessage.ReceivedBitmap(block, bitmap.copy());
    }

    private static ReturnMessage fixed(ReturnMessage message, int bytes, int expected) throws PeerException {
        if (bytes != expected) {
            throw Refusal.broken("Return message " + message + " has " + bytes + " bytes instead of " + expected);
        }
        return message;
    }
}
