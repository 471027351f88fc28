package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageCacheTest {
    private static final int CAPACITY = 50;

    @Test
    void keepsWhatWasPutUntilItIsRemovedWhateverTheOrder() {
        long seed = Long.getLong("dray.seed", System.nanoTime());
        System.out.println("page cache: -Ddray.seed=" + seed);
        Random random = new Random(seed);
        MemorySegment page = NativeMemory.map(PageSize.BYTES);
        Map<Long, Byte> model = new HashMap<>();
        try (var cache = new PageCache(CAPACITY)) {
            for (int i = 0; i < 100_000; i++) {
                long number = random.nextInt(100);
                if (model.containsKey(number)) {
                    assertThat(content(cache.answer(number))).isEqualTo(model.get(number));
                    cache.remove(number);
                    model.remove(number);
                } else if (model.values().stream().filter(each -> each != 0).count() < CAPACITY) {
                    byte value = (byte) random.nextInt(3);
                    page.fill(value);
                    cache.put(number, value == 0 ? 0 : page.address());
                    model.put(number, value);
                }
            }
        } finally {
            NativeMemory.unmap(page);
        }
    }

    @Test
    void aPageThatIsNotThereIsADefect() {
        try (var cache = new PageCache(CAPACITY)) {
            assertThatThrownBy(() -> cache.answer(1)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> cache.remove(1)).isInstanceOf(IllegalStateException.class);
        }
    }

    @SuppressWarnings("restricted") // SAFETY: an answer of the cache is this long
    private static byte content(long answer) {
        MemorySegment at = MemorySegment.ofAddress(answer).reinterpret(ResponseHeader.BYTES + PageSize.BYTES);
        assertThat(ResponseHeader.read(at, 0)).isEqualTo(new ResponseHeader(ResponseHeader.OK, PageSize.BYTES));
        byte first = at.get(ValueLayout.JAVA_BYTE, ResponseHeader.BYTES);
        assertThat(at.get(ValueLayout.JAVA_BYTE, at.byteSize() - 1)).isEqualTo(first);
        return first;
    }
}
