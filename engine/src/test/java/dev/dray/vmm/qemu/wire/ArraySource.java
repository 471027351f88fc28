package dev.dray.vmm.qemu.wire;

import dev.dray.testbed.Gen;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Bytes of an array as a stream, in pieces as large as asked for or of random length.
final class ArraySource {
    private ArraySource() {}

    static ByteSource of(byte[] bytes) {
        return pieces(bytes, null);
    }

    /// As a socket would give them: any number of bytes at a time.
    static ByteSource inPieces(byte[] bytes, Gen gen) {
        return pieces(bytes, gen);
    }

    private static ByteSource pieces(byte[] bytes, @org.jspecify.annotations.Nullable Gen gen) {
        var position = new int[1];
        return into -> {
            int left = bytes.length - position[0];
            if (left == 0) {
                return -1;
            }
            int count = (int) Math.min(left, into.byteSize());
            if (gen != null) {
                count = (int) Math.min(count, 1 + gen.skewed(1 << 20));
            }
            MemorySegment.copy(bytes, position[0], into, ValueLayout.JAVA_BYTE, 0, count);
            position[0] += count;
            return count;
        };
    }
}
