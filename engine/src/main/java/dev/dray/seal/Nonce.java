package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A 96-bit nonce: 4 bytes high, 8 bytes low, big-endian.
final class Nonce {
    static final int BYTES = 12;

    private static final ValueLayout.OfInt HIGH = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LOW = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Nonce() {}

    static void write(MemorySegment into, int high, long low) {
        into.set(HIGH, 0, high);
        into.set(LOW, Integer.BYTES, low);
    }

    /// The address of associated data, which for a heap segment would be no address.
    static long nativeAddress(MemorySegment aad) {
        if (!aad.isNative()) {
            throw new IllegalArgumentException("Associated data must be in native memory");
        }
        return aad.address();
    }
}
