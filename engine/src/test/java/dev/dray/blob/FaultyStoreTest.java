package dev.dray.blob;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.blob.FaultyStore.Call;
import dev.dray.error.MachineException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// Without faults, it is a store like any other.
class FaultyStoreTest extends BlobStoreContract {
    private final MemoryStore inner = new MemoryStore();

    @Override
    protected BlobStore create() {
        return new FaultyStore(new MemoryStore());
    }

    @Test
    void failsTheCallItWasToldTo() throws Exception {
        FaultyStore faulty = new FaultyStore(inner).fail(Call.PUT, 2).failAfterEffect(Call.DELETE, 1);
        faulty.put("keys/1", bytes(10, 1));
        assertThatThrownBy(faulty::assertAllHit).hasMessageContaining("PUT 2");
        assertThatThrownBy(() -> faulty.put("keys/2", bytes(10, 1))).isInstanceOf(MachineException.class);
        faulty.put("keys/2", bytes(10, 1));
        assertThatThrownBy(() -> faulty.delete("keys/2")).isInstanceOf(MachineException.class);
        assertThat(inner.size("keys/2")).isEmpty();
        faulty.assertAllHit();
        assertThat(faulty.count(Call.CHANGE)).isEqualTo(4);
    }

    @Test
    void isDeadFromAChangeOn() throws Exception {
        FaultyStore faulty = new FaultyStore(inner).dieAtChange(2);
        faulty.put("keys/1", bytes(10, 1));
        assertThat(faulty.size("keys/1")).contains(10L);
        assertThatThrownBy(() -> faulty.delete("keys/1")).isInstanceOf(MachineException.class);
        assertThatThrownBy(() -> faulty.size("keys/1")).isInstanceOf(MachineException.class);
        assertThat(inner.size("keys/1")).contains(10L);
    }

    @Test
    void damagesCutsAndLosesObjects() throws Exception {
        MemorySegment bytes = bytes(10, 1);
        for (String name : new String[] {"keys/1", "keys/2", "keys/3"}) {
            inner.put(name, bytes);
        }
        FaultyStore faulty = new FaultyStore(inner)
                .flipBit("keys/1", 8 * 5 + 3)
                .truncate("keys/2", 4)
                .lose("keys/3")
                .shortRead(3, 2);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(8);
            assertThat(faulty.read("keys/1", 2, into)).isEqualTo(8);
            assertThat(into.get(JAVA_BYTE, 3) ^ bytes.get(JAVA_BYTE, 5)).isEqualTo(8);
            assertThat(into.get(JAVA_BYTE, 4)).isEqualTo(bytes.get(JAVA_BYTE, 6));
            assertThat(faulty.read("keys/2", 1, into)).isEqualTo(3);
            assertThat(faulty.read("keys/1", 0, into)).isEqualTo(2);
            assertThat(faulty.read("keys/3", 0, into)).isEqualTo(-1);
            assertThat(faulty.size("keys/2")).contains(4L);
            assertThat(faulty.size("keys/3")).isEmpty();
            AtomicInteger listed = new AtomicInteger();
            faulty.list("keys", entry -> listed.incrementAndGet());
            assertThat(listed).hasValue(2);
            faulty.assertAllHit();
        }
    }
}
