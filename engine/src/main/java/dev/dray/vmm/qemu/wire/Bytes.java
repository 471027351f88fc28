package dev.dray.vmm.qemu.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A growing array of bytes, written big-endian. Growth is by doubling, so that a length field alone makes
/// nobody allocate.
final class Bytes {
    private byte[] bytes;
    private int count;

    Bytes(int capacity) {
        bytes = new byte[capacity];
    }

    int count() {
        return count;
    }

    byte at(int index) {
        return bytes[index];
    }

    /// The array itself, valid up to [#count()] and until the next write.
    byte[] array() {
        return bytes;
    }

    byte[] copy(int from, int to) {
        return Arrays.copyOfRange(bytes, from, to);
    }

    byte[] copy() {
        return copy(0, count);
    }

    /// Makes room for `more` bytes.
    void reserve(int more) {
        if (bytes.length - count < more) {
            long doubled = Math.max(2L * bytes.length, (long) count + more);
            bytes = Arrays.copyOf(bytes, (int) Math.min(doubled, Integer.MAX_VALUE - 16));
        }
    }

    /// Counts bytes that were put into [#array()] directly.
    void wrote(int more) {
        count += more;
    }

    Bytes u8(int value) {
        reserve(1);
        bytes[count++] = (byte) value;
        return this;
    }

    Bytes u16(int value) {
        return u8(value >>> 8).u8(value);
    }

    Bytes u32(int value) {
        return u16(value >>> 16).u16(value);
    }

    Bytes u64(long value) {
        return u32((int) (value >>> 32)).u32((int) value);
    }

    Bytes put(byte[] more) {
        reserve(more.length);
        System.arraycopy(more, 0, bytes, count, more.length);
        count += more.length;
        return this;
    }

    /// A name behind its length in one byte.
    Bytes name(String name) {
        byte[] text = name.getBytes(StandardCharsets.US_ASCII);
        if (text.length > 255) {
            throw new IllegalArgumentException("a name of " + text.length + " bytes");
        }
        return u8(text.length).put(text);
    }
}
