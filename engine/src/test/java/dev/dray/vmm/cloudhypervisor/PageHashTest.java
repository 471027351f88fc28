package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.memory.PageSize;
import dev.dray.testbed.Gen;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PageHashTest {
    @Test
    void everyBitOfAPageCounts() {
        Gen gen = Gen.create("PageHashTest");
        PageHash hash = new PageHash();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocateFrom(ValueLayout.JAVA_BYTE, gen.bytes(PageSize.BYTES));
            Set<Long> seen = new HashSet<>(Set.of(hash.of(page, 0)));
            for (int bit = 0; bit < PageSize.BYTES * 8; bit++) {
                flip(page, bit);
                assertThat(seen.add(hash.of(page, 0))).as(gen + ", bit " + bit).isTrue();
                flip(page, bit);
            }
        }
    }

    private static void flip(MemorySegment page, int bit) {
        byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
        page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ (1 << (bit % 8))));
    }

    /// Sums that are multiplied in pairs must not let a guest trade one word for another.
    @Test
    void wordsThatChangePlacesAreSeen() {
        Gen gen = Gen.create("PageHashTest");
        PageHash hash = new PageHash();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocateFrom(ValueLayout.JAVA_BYTE, gen.bytes(PageSize.BYTES));
            long before = hash.of(page, 0);
            for (int i = 0; i < 2000; i++) {
                int one = gen.between(0, 511);
                int other = gen.between(0, 511);
                swap(page, one, other);
                if (one != other) {
                    assertThat(hash.of(page, 0))
                            .as(gen + ", words " + one + ", " + other)
                            .isNotEqualTo(before);
                }
                swap(page, one, other);
            }
            assertThat(hash.of(page, 0)).isEqualTo(before);
        }
    }

    private static void swap(MemorySegment page, int one, int other) {
        long word = page.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, one);
        page.setAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, one, page.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, other));
        page.setAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, other, word);
    }

    /// With a key that a guest could know, it could make pages that look the same.
    @Test
    void everyCaptureHasAKeyOfItsOwn() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(PageSize.BYTES);
            Set<Long> seen = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                PageHash hash = new PageHash();
                assertThat(hash.of(page, 0)).isEqualTo(hash.ofZeros());
                assertThat(seen.add(hash.ofZeros())).isTrue();
            }
        }
    }
}
