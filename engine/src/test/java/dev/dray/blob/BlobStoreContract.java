package dev.dray.blob;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What every store must do; each implementation has a test class that extends this.
public abstract class BlobStoreContract {
    private Arena arena = Arena.ofShared();
    private BlobStore store = new MemoryStore();

    /// An empty store.
    protected abstract BlobStore create() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        arena = Arena.ofShared();
        store = create();
    }

    @AfterEach
    void closeStore() {
        store.close();
        arena.close();
    }

    protected final BlobStore store() {
        return store;
    }

    /// Bytes that follow from the seed.
    protected final MemorySegment bytes(int count, long seed) {
        byte[] heap = new byte[count];
        new Random(seed).nextBytes(heap);
        return arena.allocateFrom(JAVA_BYTE, heap);
    }

    protected final MemorySegment whole(String name) throws MachineException {
        MemorySegment into = arena.allocate(store.size(name).orElseThrow());
        assertThat(store.read(name, 0, into)).isEqualTo(into.byteSize());
        return into;
    }

    protected final Map<String, Long> list(String kind) throws MachineException {
        Map<String, Long> found = new HashMap<>();
        store.list(
                kind,
                entry -> assertThat(found.put(entry.name(), entry.bytes()))
                        .as("listed twice: " + entry.name())
                        .isNull());
        return found;
    }

    @Test
    void givesBackWhatWasPut() throws Exception {
        MemorySegment bytes = bytes(10_000, 1);
        store.put("keys/a-1.b", bytes);
        assertThat(store.size("keys/a-1.b")).contains(10_000L);
        assertThat(whole("keys/a-1.b").mismatch(bytes)).isEqualTo(-1);
    }

    /// Sizes around pages and around the writers' thresholds, from addresses that are aligned and not.
    @ParameterizedTest
    @CsvSource({
        "1, 0",
        "4096, 0",
        "1048575, 0",
        "1048576, 0",
        "1048577, 0",
        "1048576, 8",
        "1052671, 0",
        "4194304, 0",
        "5000000, 0",
        "5000000, 4095",
        "16777216, 0"
    })
    void givesBackObjectsOfAnySize(int count, int shift) throws Exception {
        MemorySegment memory = NativeMemory.map(count + 8192L);
        try {
            MemorySegment bytes = memory.asSlice(shift, count);
            MemorySegment.copy(bytes(count, count), 0, bytes, 0, count);
            store.put("packs/00ff", bytes);
            assertThat(store.size("packs/00ff")).contains((long) count);
            assertThat(whole("packs/00ff").mismatch(bytes)).isEqualTo(-1);
        } finally {
            NativeMemory.unmap(memory);
        }
    }

    @Test
    void readsAnyPartAndStopsAtTheEnd() throws Exception {
        MemorySegment bytes = bytes(9000, 2);
        store.put("packs/ab", bytes);
        long[][] parts = {{0, 1}, {8999, 1}, {4095, 2}, {100, 8900}, {8000, 5000}, {9000, 10}, {1L << 40, 10}, {3, 0}};
        for (long[] part : parts) {
            MemorySegment into = arena.allocate(Math.max(1, part[1])).asSlice(0, part[1]);
            long expected = Math.clamp(9000 - part[0], 0, part[1]);
            assertThat(store.read("packs/ab", part[0], into)).isEqualTo(expected);
            if (expected > 0) {
                assertThat(into.asSlice(0, expected).mismatch(bytes.asSlice(part[0], expected)))
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void saysThatThereIsNoSuchObject() throws Exception {
        for (String name : List.of("packs/00", "keys/00", "never-seen/00")) {
            assertThat(store.read(name, 0, arena.allocate(10))).isEqualTo(-1);
            assertThat(store.size(name)).isEmpty();
            store.delete(name);
        }
        assertThat(list("packs")).isEmpty();
        assertThat(list("never-seen")).isEmpty();
    }

    @Test
    void neverOverwrites() throws Exception {
        for (String name : List.of("packs/00", "keys/00")) {
            MemorySegment first = bytes(5000, 3);
            store.put(name, first);
            assertThatThrownBy(() -> store.put(name, bytes(5000, 4)))
                    .isInstanceOf(MachineException.class)
                    .hasMessageContaining(name + " exists already in " + store.place());
            assertThat(whole(name).mismatch(first)).isEqualTo(-1);
        }
    }

    @Test
    void letsOneOfTwoCreatorsWin() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 40; round++) {
                String name = (round % 2 == 0 ? "packs/" : "sessions/") + String.format("%02x", round);
                CyclicBarrier start = new CyclicBarrier(2);
                List<Future<Boolean>> outcomes = new ArrayList<>();
                for (int creator = 0; creator < 2; creator++) {
                    MemorySegment bytes = bytes(3000, creator);
                    outcomes.add(threads.submit(() -> {
                        start.await();
                        try {
                            store.put(name, bytes);
                            return true;
                        } catch (MachineException e) {
                            return false;
                        }
                    }));
                }
                boolean first = outcomes.getFirst().get();
                assertThat(outcomes.getLast().get()).isNotEqualTo(first);
                assertThat(whole(name).mismatch(bytes(3000, first ? 0 : 1))).isEqualTo(-1);
            }
        }
    }

    @Test
    void listsOneKindWithLengths() throws Exception {
        store.put("packs/00aa", bytes(7, 1));
        store.put("packs/00ab", bytes(8, 1));
        store.put("packs/ff00", bytes(9, 1));
        store.put("packs-old/00", bytes(10, 1));
        store.put("keys/0", bytes(11, 1));
        assertThat(list("packs")).isEqualTo(Map.of("packs/00aa", 7L, "packs/00ab", 8L, "packs/ff00", 9L));
        assertThat(list("keys")).isEqualTo(Map.of("keys/0", 11L));
        assertThat(list("pack")).isEmpty();
    }

    @Test
    void forgetsWhatIsDeleted() throws Exception {
        for (String name : List.of("packs/00", "keys/00")) {
            store.put(name, bytes(100, 1));
            assertThat(store.read(name, 0, arena.allocate(10))).isEqualTo(10);
            store.delete(name);
            assertThat(store.read(name, 0, arena.allocate(10))).isEqualTo(-1);
            assertThat(store.size(name)).isEmpty();
            assertThat(list(DirectoryTree.kind(name))).isEmpty();
            store.put(name, bytes(50, 2));
            assertThat(store.read(name, 0, arena.allocate(100))).isEqualTo(50);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "a",
                "a/",
                "/a",
                "a/b/c",
                "../a",
                "a/..",
                "a/.",
                "./a",
                "a/../b",
                "A/b",
                "a/B",
                "a/b c",
                "a/b\n",
                "a/é",
                "a/b\u0000",
                "a/.tmp-1",
                "a/-b",
                "a\\b/c",
                "packs/g0",
                "packs/0",
                "packs/zz00"
            })
    void refusesOtherNames(String name) {
        List<org.assertj.core.api.ThrowableAssert.ThrowingCallable> calls = List.of(
                () -> store.put(name, bytes(1, 1)),
                () -> store.read(name, 0, arena.allocate(1)),
                () -> store.size(name),
                () -> store.delete(name));
        for (var call : calls) {
            assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void refusesNamesThatAreTooLongAndTakesTheLongest() throws Exception {
        String longest = "keys/" + "x".repeat(BlobStore.NAME_CHARS_MAX - 5);
        store.put(longest, bytes(1, 1));
        assertThat(list("keys")).containsOnlyKeys(longest);
        assertThatThrownBy(() -> store.put(longest + "x", bytes(1, 1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.list("..", entry -> {})).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesHeapMemoryEmptyObjectsAndNegativeOffsets() throws Exception {
        store.put("keys/0", bytes(1, 1));
        MemorySegment heap = MemorySegment.ofArray(new byte[10]);
        assertThatThrownBy(() -> store.put("keys/1", heap)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.put("keys/1", bytes(0, 1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.read("keys/0", 0, heap)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.read("keys/0", -1, bytes(1, 1))).isInstanceOf(IllegalArgumentException.class);
        assertThat(store.size("keys/1")).isEmpty();
    }

    /// More objects than any cache of open files holds, read at random by several threads while others are made
    /// and deleted: every read finds its object whole or, if it was deleted, not at all.
    @Test
    void servesManyReadersWhileObjectsComeAndGo() throws Exception {
        int objects = 300;
        int objectBytes = 6000;
        for (int i = 0; i < objects; i++) {
            store.put(packName(i), bytes(objectBytes, i));
        }
        AtomicInteger missing = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> readers = new ArrayList<>();
            for (int reader = 0; reader < 3; reader++) {
                long seed = reader;
                readers.add(threads.submit(() -> {
                    readAtRandom(new Random(seed), objects, objectBytes, missing);
                    return null;
                }));
            }
            for (int i = 0; i < objects; i += 2) {
                store.delete(packName(i));
            }
            for (Future<?> reader : readers) {
                reader.get();
            }
        }
        assertThat(list("packs")).hasSize(objects / 2);
        for (int i = 0; i < objects; i += 2) {
            assertThat(store.read(packName(i), 0, arena.allocate(1))).isEqualTo(-1);
        }
    }

    private void readAtRandom(Random random, int objects, int objectBytes, AtomicInteger missing) throws Exception {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment into = own.allocate(4096);
            for (int i = 0; i < 3000; i++) {
                int object = random.nextInt(objects);
                int offset = random.nextInt(objectBytes - 100);
                long read = store.read(packName(object), offset, into);
                if (read == -1) {
                    missing.incrementAndGet();
                    assertThat(object % 2).isZero();
                    continue;
                }
                assertThat(read).isEqualTo(Math.min(4096, objectBytes - offset));
                byte[] expected = new byte[objectBytes];
                new Random(object).nextBytes(expected);
                MemorySegment part = MemorySegment.ofArray(expected).asSlice(offset, read);
                assertThat(into.asSlice(0, read).mismatch(part)).isEqualTo(-1);
            }
        }
    }

    private static String packName(int index) {
        return String.format("packs/%02x%06x", index % 8, index);
    }
}
