package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.blob.MemoryStore;
import dev.dray.error.CorruptException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkingSetsTest {
    private final Gen gen = Gen.create("WorkingSetsTest");
    private final MemoryStore store = new MemoryStore();
    private final Repository repository =
            Repository.init(store, Optional.of(new Credential.Key(new byte[32])), Dedup.REPOSITORY);
    private final FakeGuest guest = new FakeGuest(40, 3);
    private final Snapshot snapshot = guest.fill(gen).capture(repository, "web1");

    WorkingSetsTest() throws Exception {}

    @AfterEach
    void close() {
        repository.close();
    }

    private static WorkingSet set(long... pages) {
        return WorkingSet.of(new int[pages.length], pages, new int[pages.length], pages.length);
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        store.list("workingsets", entry -> names.add(entry.name()));
        return names;
    }

    @Test
    void whatIsRecordedIsReadBackInItsOrder() throws Exception {
        int count = gen.between(1, 500);
        var regions = new int[count];
        var pages = new long[count];
        var after = new int[count];
        for (int i = 0; i < count; i++) {
            regions[i] = gen.between(0, 1);
            pages[i] = gen.between(0, regions[i] == 0 ? 39 : 2);
            after[i] = gen.between(0, Integer.MAX_VALUE - 1);
        }
        repository.workingSets().record(snapshot, WorkingSet.of(regions, pages, after, count));
        WorkingSet read = repository.workingSets().newest(snapshot).orElseThrow();
        assertThat(read.count()).isEqualTo(count);
        for (int i = 0; i < count; i++) {
            assertThat(read.region(i)).isEqualTo(regions[i]);
            assertThat(read.page(i)).isEqualTo(pages[i]);
            assertThat(read.afterMicros(i)).isEqualTo(after[i]);
        }
    }

    @Test
    void theLastOneStandsInPlaceOfThoseBefore() throws Exception {
        assertThat(repository.workingSets().newest(snapshot)).isEmpty();
        repository.workingSets().record(snapshot, set(1));
        repository.workingSets().record(snapshot, set(2, 3));
        assertThat(names()).containsExactly("workingsets/" + snapshot.id() + ".1");
        assertThat(repository.workingSets().newest(snapshot).orElseThrow().page(0))
                .isEqualTo(2);
    }

    @Test
    void aDamagedOneIsPassedOverForTheOneBefore() throws Exception {
        repository.workingSets().record(snapshot, set(1));
        String first = names().getFirst();
        byte[] bytes = store.bytes(first).clone();
        repository.workingSets().record(snapshot, set(2));
        String second = names().getFirst();
        store.replace(first, bytes);
        store.bytes(second)[70] ^= 1;
        assertThat(repository.workingSets().newest(snapshot).orElseThrow().page(0))
                .isEqualTo(1);
        store.delete(first);
        assertThatThrownBy(() -> repository.workingSets().newest(snapshot)).isInstanceOf(CorruptException.class);
        assertThat(repository
                        .verifier()
                        .all(new VerifyScope.Structure(), Watch.none())
                        .findings())
                .extracting(Finding::object)
                .containsExactly(second);
        guest.assertEqual(repository, snapshot, "a snapshot beside a damaged working set");
    }

    @Test
    void theNextSnapshotOfAGuestStartsWithWhatTheLastOneTouched() throws Exception {
        repository.workingSets().record(snapshot, set(7));
        Snapshot next = guest.capture(repository, "web1");
        Snapshot other = guest.capture(repository, "web2");
        Snapshot larger = new FakeGuest(41, 3).fill(gen).capture(repository, "web1");
        assertThat(repository.workingSets().best(next).orElseThrow().page(0)).isEqualTo(7);
        assertThat(repository.workingSets().newest(next)).isEmpty();
        assertThat(repository.workingSets().best(other)).isEmpty();
        assertThat(repository.workingSets().best(larger)).isEmpty();
        repository.workingSets().record(next, set(8));
        assertThat(repository.workingSets().best(next).orElseThrow().page(0)).isEqualTo(8);
        assertThat(repository.workingSets().best(snapshot).orElseThrow().page(0))
                .isEqualTo(7);
    }

    @Test
    void oneWhoseSnapshotIsGoneIsNoDamage() throws Exception {
        repository.workingSets().record(snapshot, set(1));
        store.delete(snapshot.object());
        assertThat(repository
                        .verifier()
                        .all(new VerifyScope.Data(), Watch.none())
                        .findings())
                .isEmpty();
    }

    @Test
    void everyNumberIsCheckedAgainstTheSnapshot() throws Exception {
        GuestMemoryMap memory = guest.map;
        byte[] good = WorkingSetCodec.encode(set(39));
        assertThat(WorkingSetCodec.decode(good, memory, "x").page(0)).isEqualTo(39);
        refused(WorkingSetCodec.encode(set(40)), memory);
        refused(Arrays.copyOf(good, good.length - 1), memory);
        refused(Arrays.copyOf(good, good.length + 12), memory);
        refused(new byte[7], memory);
        for (int[] change : new int[][] {{0, 2}, {3, 0x80}, {3, 0x7f}, {5, 1}, {8 + 5, 2}, {8 + 7, 0x80}, {19, 0x80}}) {
            byte[] bad = good.clone();
            bad[change[0]] = (byte) change[1];
            refused(bad, memory);
        }
    }

    private static void refused(byte[] body, GuestMemoryMap memory) {
        assertThatThrownBy(() -> WorkingSetCodec.decode(body, memory, "workingsets/x"))
                .isInstanceOf(CorruptException.class)
                .hasMessageStartingWith("Object workingsets/x is damaged: ");
    }
}
