package dev.dray.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// One bit for each page of a guest, with a summary above it, so that what is left of a guest that is nearly full is
/// found without looking at each word. Bits may be tested by any thread; a thread that sees one set sees everything
/// that
/// was done before it was set. They are changed by one thread at a time, but for [#setAtomic].
final class PageBits {
    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int SHIFT = 6;

    private final long size;
    private final long[] words;

    /// Bit `i` is set if `words[i]` has no clear bit; only kept by [#set] and [#clear].
    private final long[] full;

    PageBits(long size) {
        this.size = size;
        int count = Math.toIntExact((size + 63) >>> SHIFT);
        words = new long[count];
        full = new long[(count + 63) >>> SHIFT];
    }

    boolean isSet(long bit) {
        return ((long) WORDS.getAcquire(words, (int) (bit >>> SHIFT)) & 1L << bit) != 0;
    }

    void set(long bit) {
        int at = (int) (bit >>> SHIFT);
        long word = words[at] | 1L << bit;
        WORDS.setRelease(words, at, word);
        if (word == -1L) {
            full[at >>> SHIFT] |= 1L << at;
        }
    }

    void clear(long bit) {
        int at = (int) (bit >>> SHIFT);
        WORDS.setRelease(words, at, words[at] & ~(1L << bit));
        full[at >>> SHIFT] &= ~(1L << at);
    }

    /// Sets a bit from any thread; the summary does not know of it.
    ///
    /// @return whether it was clear
    boolean setAtomic(long bit) {
        long mask = 1L << bit;
        return ((long) WORDS.getAndBitwiseOr(words, (int) (bit >>> SHIFT), mask) & mask) == 0;
    }

    /// The first clear bit from `from` on and before `to`, or -1.
    long nextClear(long from, long to) {
        long end = Math.min(to, size);
        long bit = from;
        while (bit < end) {
            int at = (int) (bit >>> SHIFT);
            long clear = ~words[at] & -1L << bit;
            if (clear != 0) {
                long found = ((long) at << SHIFT) + Long.numberOfTrailingZeros(clear);
                return found < end ? found : -1;
            }
            bit = (long) nextNotFull(at + 1) << SHIFT;
        }
        return -1;
    }

    private int nextNotFull(int from) {
        int at = from;
        while (at < words.length) {
            long open = ~full[at >>> SHIFT] & -1L << at;
            if (open != 0) {
                return (at & -64) + Long.numberOfTrailingZeros(open);
            }
            at = (at & -64) + 64;
        }
        return words.length;
    }
}
