package dev.dray.page;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.dray.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/// One bit for each page of a guest, with a summary above it, so that what is left of a guest that is nearly full is
/// found without looking at each word. Off the heap, which is small, whatever the guest is; what no bit was set in
/// takes no memory. Bits may be tested by any thread; a thread that sees one set sees everything that was done before
/// it was set. They are changed by one thread at a time, but for [#setAtomic].
final class PageBits implements AutoCloseable {
    private static final VarHandle WORDS = JAVA_LONG.varHandle();
    private static final int SHIFT = 6;

    private final long size;
    private final long count;
    private final MemorySegment words;

    /// Bit `i` is set if word `i` has no clear bit; only kept by [#set] and [#clear].
    private final MemorySegment full;

    PageBits(long size) {
        this.size = size;
        count = (size + 63) >>> SHIFT;
        words = NativeMemory.map(Long.BYTES * Math.max(1, count));
        full = NativeMemory.map(Long.BYTES * ((count + 64) >>> SHIFT));
    }

    private static long word(MemorySegment of, long at) {
        return of.get(JAVA_LONG, at * Long.BYTES);
    }

    boolean isSet(long bit) {
        return ((long) WORDS.getAcquire(words, (bit >>> SHIFT) * Long.BYTES) & 1L << bit) != 0;
    }

    void set(long bit) {
        long at = bit >>> SHIFT;
        long word = word(words, at) | 1L << bit;
        WORDS.setRelease(words, at * Long.BYTES, word);
        if (word == -1L) {
            setFull(at >>> SHIFT, word(full, at >>> SHIFT) | 1L << at);
        }
    }

    void clear(long bit) {
        long at = bit >>> SHIFT;
        WORDS.setRelease(words, at * Long.BYTES, word(words, at) & ~(1L << bit));
        setFull(at >>> SHIFT, word(full, at >>> SHIFT) & ~(1L << at));
    }

    private void setFull(long at, long word) {
        full.set(JAVA_LONG, at * Long.BYTES, word);
    }

    /// Sets a bit from any thread; the summary does not know of it.
    ///
    /// @return whether it was clear
    boolean setAtomic(long bit) {
        long mask = 1L << bit;
        return ((long) WORDS.getAndBitwiseOr(words, (bit >>> SHIFT) * Long.BYTES, mask) & mask) == 0;
    }

    /// The first clear bit from `from` on and before `to`, or -1.
    long nextClear(long from, long to) {
        long end = Math.min(to, size);
        long bit = from;
        while (bit < end) {
            long at = bit >>> SHIFT;
            long clear = ~word(words, at) & -1L << bit;
            if (clear != 0) {
                long found = (at << SHIFT) + Long.numberOfTrailingZeros(clear);
                return found < end ? found : -1;
            }
            bit = nextNotFull(at + 1) << SHIFT;
        }
        return -1;
    }

    private long nextNotFull(long from) {
        long at = from;
        while (at < count) {
            long open = ~word(full, at >>> SHIFT) & -1L << at;
            if (open != 0) {
                return (at & -64) + Long.numberOfTrailingZeros(open);
            }
            at = (at & -64) + 64;
        }
        return count;
    }

    /// No bit may be looked at afterwards, by anyone.
    @Override
    public void close() {
        NativeMemory.unmap(words);
        NativeMemory.unmap(full);
    }
}
