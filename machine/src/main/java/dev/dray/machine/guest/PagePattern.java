package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout.OfInt;
import java.nio.ByteOrder;
import java.util.Optional;

/// What a page of a self-checking guest holds, as a function of its place and of the pass in which it was
/// last changed. [BareMetalGuest] does the same in machine code.
///
/// A page is eight blocks of 512 bytes, each of little-endian words:
///
/// | offset | size | word    | meaning                                                              |
/// |-------:|-----:|---------|----------------------------------------------------------------------|
/// |      0 |    4 | counter | the pass that changed the page last; 0 after the first fill          |
/// |      4 |    4 | place   | the block's address / 512, exclusive-or [#PLACE_MASK]: never zero    |
/// |      8 |  504 | body    | pseudo-random words, or the page's number with each fourth word so   |
///
/// A visit changes the counters only, so any mixture of two states of a page that is neither of them has
/// different counters. A page of which nothing is left but zeros, a page of another pass, another page's
/// contents, and damage within a block are told apart ([PageError.Kind]).
///
/// @param fill which pages are zero, incompressible, compressible
public record PagePattern(Fill fill) {
    static final int BLOCK_BYTES = 512;
    static final int BLOCK_SHIFT = 9;
    static final int PAGE_SHIFT = 12;
    static final int BODY_OFFSET = 8;

    /// Larger than any block number below 1 TiB, so that a block's place is never zero.
    static final int PLACE_MASK = 0xa5a5a5a5;

    /// Spreads page and block numbers over 32 bits (2^32 divided by the golden ratio).
    static final int SPREAD = 0x9e3779b1;

    /// The repeated word of a compressible page is its number, exclusive-or this.
    static final int REPEAT_MASK = 0x20202020;

    /// Factor and increment of the generator of pseudo-random words: those of Numerical Recipes.
    static final int NEXT_FACTOR = 1664525;

    static final int NEXT_INCREMENT = 1013904223;

    /// In a compressible page, words whose offset has both of these bits are pseudo-random.
    static final int RANDOM_OFFSET_MASK = 0xc;

    private static final OfInt WORD = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// What a page holds.
    public enum PageKind {
        ZERO,
        RANDOM,
        REPEATING
    }

    public PageKind kind(long pageNumber) {
        int of16 = ((int) pageNumber * SPREAD) >>> 28;
        if (of16 < fill.zeroOf16()) {
            return PageKind.ZERO;
        }
        return of16 < fill.zeroOf16() + fill.randomOf16() ? PageKind.RANDOM : PageKind.REPEATING;
    }

    /// Writes a whole page.
    public void fill(MemorySegment page, long pageNumber, int counter) {
        PageKind kind = kind(pageNumber);
        if (kind == PageKind.ZERO) {
            page.asSlice(0, PageSize.BYTES).fill((byte) 0);
            return;
        }
        stamp(page, pageNumber, counter);
        for (int block = 0; block < PageSize.BYTES; block += BLOCK_BYTES) {
            int number = blockNumber(pageNumber, block);
            int random = number * SPREAD;
            page.set(WORD, block + 4, number ^ PLACE_MASK);
            for (int at = block + BODY_OFFSET; at < block + BLOCK_BYTES; at += 4) {
                boolean isRandom = isRandom(kind, at);
                random = isRandom ? random * NEXT_FACTOR + NEXT_INCREMENT : random;
                page.set(WORD, at, isRandom ? random : (int) pageNumber ^ REPEAT_MASK);
            }
        }
    }

    /// Changes a page that holds an earlier pass's contents into this pass's. Zero pages stay as they are.
    public void stamp(MemorySegment page, long pageNumber, int counter) {
        if (kind(pageNumber) != PageKind.ZERO) {
            for (int block = 0; block < PageSize.BYTES; block += BLOCK_BYTES) {
                page.set(WORD, block, counter);
            }
        }
    }

    /// Compares a page with what pass `counter` must have left.
    public Optional<PageError> check(MemorySegment page, long pageNumber, int counter) {
        long address = PageSize.offset(pageNumber);
        PageKind kind = kind(pageNumber);
        if (kind == PageKind.ZERO) {
            return firstNonZero(page).map(word -> new PageError(address, Kind.NOT_ZERO, word, 0));
        }
        for (int block = 0; block < PageSize.BYTES; block += BLOCK_BYTES) {
            int number = blockNumber(pageNumber, block);
            if (page.get(WORD, block) != counter || page.get(WORD, block + 4) != (number ^ PLACE_MASK)) {
                return Optional.of(classify(page, address, block, number, counter));
            }
            int random = number * SPREAD;
            for (int at = block + BODY_OFFSET; at < block + BLOCK_BYTES; at += 4) {
                boolean isRandom = isRandom(kind, at);
                random = isRandom ? random * NEXT_FACTOR + NEXT_INCREMENT : random;
                int expected = isRandom ? random : (int) pageNumber ^ REPEAT_MASK;
                if (page.get(WORD, at) != expected) {
                    return Optional.of(new PageError(address, Kind.BODY, page.get(WORD, at), expected));
                }
            }
        }
        return Optional.empty();
    }

    private static PageError classify(MemorySegment page, long address, int block, int number, int counter) {
        int found = page.get(WORD, block);
        int place = page.get(WORD, block + 4);
        if (firstNonZero(page).isEmpty()) {
            return new PageError(address, Kind.ZEROED, found, counter);
        }
        if (place == 0) {
            return new PageError(address, Kind.TORN, found, counter);
        }
        if (place != (number ^ PLACE_MASK)) {
            int claimed = (place ^ PLACE_MASK) << BLOCK_SHIFT;
            return new PageError(address, Kind.MOVED, claimed, number << BLOCK_SHIFT);
        }
        for (int other = 0; other < PageSize.BYTES; other += BLOCK_BYTES) {
            if (page.get(WORD, other) == counter) {
                return new PageError(address, Kind.TORN, found, counter);
            }
        }
        return new PageError(address, Kind.STALE, found, counter);
    }

    private static Optional<Integer> firstNonZero(MemorySegment page) {
        for (int at = 0; at < PageSize.BYTES; at += 4) {
            int word = page.get(WORD, at);
            if (word != 0) {
                return Optional.of(word);
            }
        }
        return Optional.empty();
    }

    private static boolean isRandom(PageKind kind, int at) {
        return kind == PageKind.RANDOM || (at & RANDOM_OFFSET_MASK) == RANDOM_OFFSET_MASK;
    }

    private static int blockNumber(long pageNumber, int block) {
        return (int) (pageNumber << (PAGE_SHIFT - BLOCK_SHIFT)) + block / BLOCK_BYTES;
    }
}
