package dev.dray.machine.vmm;

import dev.dray.memory.PageSize;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/// One bit per page: which pages were written. Any number of threads mark, one takes.
///
/// A writer stores into the page first and marks it then; the taker clears the mark first and reads the page then.
/// So a page that is read too early or in the middle of a store is marked again.
public final class PageLog {
    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] words;
    private final long pages;

    PageLog(long bytes) {
        pages = PageSize.pages(bytes);
        words = new long[Math.toIntExact((pages + 63) / 64)];
    }

    /// The page was written. Always an atomic operation, also if the mark is there already: it keeps the store
    /// before it.
    void mark(long page) {
        WORDS.getAndBitwiseOr(words, (int) (page / 64), 1L << (page % 64));
    }

    /// How many 64-page words there are.
    public int wordCount() {
        return words.length;
    }

    /// The marks of the pages `64 * word` …, which are cleared.
    public long take(int word) {
        return (long) WORDS.getAndSet(words, word, 0L);
    }

    /// How many pages are marked.
    public long count() {
        long count = 0;
        for (int i = 0; i < words.length; i++) {
            count += Long.bitCount((long) WORDS.getVolatile(words, i));
        }
        return count;
    }

    void clear() {
        Arrays.fill(words, 0);
        VarHandle.fullFence();
    }

    long pages() {
        return pages;
    }
}
