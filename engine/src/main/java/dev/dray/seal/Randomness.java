package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.linux.GetRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Unpredictable bytes from the kernel's generator, without state in this process: a copy of a running machine
/// cannot repeat what a generator in user space would.
public final class Randomness {
    private Randomness() {}

    public static byte[] bytes(int count) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(Math.max(1, count));
            GetRandom.fill(memory);
            byte[] out = memory.asSlice(0, count).toArray(JAVA_BYTE);
            memory.fill((byte) 0);
            return out;
        }
    }
}
