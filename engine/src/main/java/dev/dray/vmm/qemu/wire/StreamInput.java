package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// A window on a stream: bytes `position` … `limit` of a segment have been read and not yet been consumed. The
/// window can be moved to another segment together with them, so that page bytes are read straight to where
/// they stay.
///
/// Invariant: `0 <= position <= limit <= window.byteSize()`. While the window is pinned, bytes before
/// `position` are somebody's pages and are not overwritten.
final class StreamInput {
    /// Enough for the largest item outside of memory records, a command of 64 KiB, twice.
    static final int HOME_BYTES = 128 << 10;

    /// Null if all bytes are there from the beginning, in an array that is not ours to change.
    private final @Nullable ByteSource in;

    private MemorySegment home;
    private MemorySegment window;
    private long position;
    private long limit;
    private long base;
    private boolean pinned;

    StreamInput(ByteSource in) {
        this.in = in;
        this.home = Arena.ofAuto().allocate(HOME_BYTES);
        this.window = home;
    }

    private StreamInput(byte[] bytes) {
        this.in = null;
        this.home = MemorySegment.ofArray(bytes);
        this.window = home;
        this.limit = bytes.length;
    }

    /// A stream that is these bytes.
    static StreamInput of(byte[] bytes) {
        return new StreamInput(bytes);
    }

    MemorySegment window() {
        return window;
    }

    long position() {
        return position;
    }

    long limit() {
        return limit;
    }

    /// Bytes that could still be read behind [#limit()] plus those not yet consumed.
    long room() {
        return window.byteSize() - position;
    }

    /// Offset in the stream of the next byte to be consumed.
    long offset() {
        return base + position;
    }

    /// Consumes up to `position`, which the caller has parsed by itself.
    void advanceTo(long newPosition) {
        position = newPosition;
    }

    /// Moves the window, and what is not yet consumed, to a segment whose consumed bytes stay where they are.
    void pinTo(MemorySegment segment) {
        moveTo(segment);
        pinned = true;
    }

    /// Moves the window back to memory of its own.
    void unpin() {
        if (limit - position > home.byteSize()) {
            home = Arena.ofAuto().allocate(limit - position);
        }
        moveTo(home);
        pinned = false;
    }

    private void moveTo(MemorySegment segment) {
        MemorySegment.copy(window, position, segment, 0, limit - position);
        base += position;
        limit -= position;
        position = 0;
        window = segment;
    }

    /// Reads once, at most `bytesMax` bytes; false at the end of the stream.
    boolean read(long bytesMax) throws PeerException {
        if (in == null) {
            return false;
        }
        if (limit == window.byteSize()) {
            if (pinned || position == 0) {
                throw new IllegalStateException("no room in a window of " + limit + " bytes at " + position);
            }
            moveTo(window);
        }
        long bytes = Math.min(bytesMax, window.byteSize() - limit);
        int count = in.read(window.asSlice(limit, bytes));
        if (count == 0 || count > bytes) {
            throw new IllegalStateException("a source read " + count + " bytes into " + bytes);
        }
        limit += Math.max(count, 0);
        return count > 0;
    }

    /// Reads until `bytes` bytes can be consumed; false if the stream ends before.
    boolean has(int bytes) throws PeerException {
        while (limit - position < bytes) {
            if (!read(Long.MAX_VALUE)) {
                return false;
            }
        }
        return true;
    }

    void need(int bytes, String inside) throws PeerException {
        if (!has(bytes)) {
            throw Refusal.ended(base + limit, inside);
        }
    }

    /// The next byte, not consumed.
    int peek(String inside) throws PeerException {
        need(1, inside);
        return window.get(JAVA_BYTE, position) & 0xff;
    }

    /// Byte `ahead` after the next, which a call of [#has] has made sure of.
    int peekAt(int ahead) {
        return window.get(JAVA_BYTE, position + ahead) & 0xff;
    }

    /// Four bytes from `ahead` after the next, which a call of [#has] has made sure of.
    int peekU32At(int ahead) {
        return window.get(Wire.U32, position + ahead);
    }

    /// The byte at `index` of the window, below its limit.
    int byteAt(long index) {
        return window.get(JAVA_BYTE, index) & 0xff;
    }

    int u8(String inside) throws PeerException {
        int value = peek(inside);
        position++;
        return value;
    }

    int u16(String inside) throws PeerException {
        need(2, inside);
        int value = window.get(Wire.U16, position) & 0xffff;
        position += 2;
        return value;
    }

    /// Unsigned values above `Integer.MAX_VALUE` come out negative.
    int u32(String inside) throws PeerException {
        need(4, inside);
        int value = window.get(Wire.U32, position);
        position += 4;
        return value;
    }

    long u64(String inside) throws PeerException {
        need(8, inside);
        long value = window.get(Wire.U64, position);
        position += 8;
        return value;
    }

    /// A length that is at most `max`.
    int length(int max, String what) throws PeerException {
        int value = u32(what);
        if (Integer.compareUnsigned(value, max) > 0) {
            throw Refusal.broken("The length of " + what + " is " + Integer.toUnsignedString(value) + ", more than "
                    + max + ", at offset " + (offset() - 4));
        }
        return value;
    }

    byte[] bytes(int count, String inside) throws PeerException {
        var bytes = new byte[count];
        int done = 0;
        while (done < count) {
            if (limit == position && !read(Long.MAX_VALUE)) {
                throw Refusal.ended(base + limit, inside);
            }
            int part = (int) Math.min(count - done, limit - position);
            MemorySegment.copy(window, JAVA_BYTE, position, bytes, done, part);
            done += part;
            position += part;
        }
        return bytes;
    }

    /// A name behind its length in one byte. Names are printable ASCII in every QEMU; holding them to it keeps
    /// refusals and listings safe to print.
    String name(String what) throws PeerException {
        return text(u8(what), what);
    }

    /// A name of `count` bytes.
    String text(int count, String what) throws PeerException {
        byte[] bytes = bytes(count, what);
        for (byte b : bytes) {
            if (b < 0x20 || b == 0x7f) {
                throw Refusal.broken("The name of " + what + " has the byte 0x" + Integer.toHexString(b & 0xff)
                        + " in it, before offset " + offset());
            }
        }
        return new String(bytes, StandardCharsets.US_ASCII);
    }
}
