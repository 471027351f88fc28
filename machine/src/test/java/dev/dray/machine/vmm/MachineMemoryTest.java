package dev.dray.machine.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.memory.PageSize;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MachineMemoryTest {
    private static final int PAGES = FrozenPages.ASIDE_PAGES_MAX + 100;

    private final MachineMemory memory = MachineMemory.create(List.of(layout("first", 16), layout("second", PAGES)));

    private static MemoryBlock.Layout layout(String name, long pages) {
        return new MemoryBlock.Layout(name, PageSize.offset(pages), PageSize.offset(pages), false, List.of());
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void logsWhatWasWrittenUntilItIsTaken() {
        write(0, 3, 1);
        write(1, 70, 1);
        assertThat(memory.block(0).written().count()).isEqualTo(1);
        assertThat(memory.block(1).written().take(1)).isEqualTo(1L << 6);
        assertThat(memory.block(1).written().count()).isZero();
        write(1, 70, 2);
        assertThat(memory.block(1).written().count()).isEqualTo(1);
        memory.clearLog();
        assertThat(memory.block(1).written().count()).isZero();
    }

    @Test
    void isSharedThroughItsDescriptor() throws Exception {
        write(0, 0, 42);
        try (var file = FileChannel.open(
                Path.of("/proc/self/fd/" + memory.block(0).memfd().number()))) {
            var bytes = ByteBuffer.allocate(1);
            assertThat(file.read(bytes, 100)).isEqualTo(1);
            assertThat(bytes.get(0)).isEqualTo((byte) 42);
        }
    }

    @Test
    void frozenPagesKeepTheContentOfTheInstant() {
        for (int page = 0; page < PAGES; page++) {
            write(1, page, 1);
        }
        FrozenPages frozen = memory.freeze();
        write(1, 5, 2);
        write(1, PAGES - 1L, 2);
        write(0, 7, 2);
        Map<String, Integer> taken = new HashMap<>();
        MemorySegment page = Arena.ofAuto().allocate(PageSize.BYTES);
        while (frozen.takeNext(page)) {
            Integer before = taken.put(frozen.takenBlock() + "/" + frozen.takenPage(), (int) page.get(JAVA_BYTE, 100));
            assertThat(before).isNull();
            write(1, taken.size() % PAGES, 3);
        }
        assertThat(taken).hasSize(16 + PAGES);
        assertThat(taken.entrySet())
                .allSatisfy(each ->
                        assertThat(each.getValue()).isEqualTo(each.getKey().startsWith("1/") ? 1 : 0));
        memory.thaw();
        write(1, 5, 4);
    }

    @Test
    void aWriterWithoutRoomWaitsForTheTakerOrGivesUp() {
        FrozenPages frozen = memory.freeze();
        for (int page = 0; page < FrozenPages.ASIDE_PAGES_MAX; page++) {
            assertThat(memory.prepareWrite(1, page, () -> true)).isTrue();
        }
        long last = FrozenPages.ASIDE_PAGES_MAX;
        assertThat(memory.prepareWrite(1, last, () -> true)).isFalse();
        assertThat(frozen.takeNext(Arena.ofAuto().allocate(PageSize.BYTES))).isTrue();
        assertThat(memory.prepareWrite(1, last, () -> true)).isTrue();
    }

    @Test
    void aWaitingWriterGoesOnWhenMemoryThaws() throws Exception {
        memory.freeze();
        AtomicBoolean written = new AtomicBoolean();
        Thread writer = Thread.ofPlatform().start(() -> {
            for (int page = 0; page < PAGES; page++) {
                write(1, page, 1);
            }
            written.set(true);
        });
        writer.join(50);
        assertThat(written).isFalse();
        memory.thaw();
        writer.join();
        assertThat(written).isTrue();
    }

    private void write(int block, long page, int value) {
        memory.write(block, page, content -> content.set(JAVA_BYTE, 100, (byte) value));
    }
}
