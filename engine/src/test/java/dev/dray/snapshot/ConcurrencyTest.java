package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.blob.FaultyStore;
import dev.dray.blob.MemoryStore;
import dev.dray.blob.SlowPacks;
import dev.dray.error.MachineException;
import dev.dray.page.PageDestination;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ConcurrencyTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);

    private final Gen gen = Gen.create("ConcurrencyTest");

    @Test
    void theSubmissionThatCameLastCounts() throws Exception {
        for (int round = 0; round < 5; round++) {
            MemoryStore store = new MemoryStore();
            FakeGuest guest = new FakeGuest(200, 50);
            try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY);
                    SnapshotWriter writer =
                            repository.writer(new WriterOptions("web1", new Compression.Auto(), 4, 16, 0))) {
                FakeGuest.Sender sender = new FakeGuest.Sender(writer.pages(guest.map));
                for (int i = 0; i < 5000; i++) {
                    int region = gen.between(0, 1);
                    int page = gen.between(0, guest.pages.get(region).length - 1);
                    byte[] bytes =
                            gen.chance(0.2) ? new byte[4096] : gen.chance(0.5) ? FakeGuest.text(gen) : gen.bytes(4096);
                    sender.page(region, page, bytes);
                    guest.pages.get(region)[page] = bytes;
                    if (gen.chance(0.2)) {
                        sender.flush();
                    }
                }
                sender.end();
                Snapshot snapshot = writer.publish(guest.publication());
                guest.assertEqual(repository, snapshot, gen.toString());
                assertThat(snapshot.manifest().counters().memoryBytes()).isEqualTo(250 * 4096);
            }
        }
    }

    @Test
    void severalWritersShareARepository() throws Exception {
        MemoryStore store = new MemoryStore();
        List<FakeGuest> guests = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            guests.add(new FakeGuest(4000, 10).fill(gen));
        }
        Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY).close();
        List<Callable<Snapshot>> captures = new ArrayList<>();
        for (FakeGuest guest : guests) {
            captures.add(() -> {
                try (Repository repository = Repository.open(store, Optional.of(() -> KEY))) {
                    return guest.capture(repository, "web1");
                }
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(4);
                Repository repository = Repository.open(store, Optional.of(() -> KEY))) {
            List<Future<Snapshot>> taken = threads.invokeAll(captures);
            for (int i = 0; i < guests.size(); i++) {
                guests.get(i).assertEqual(repository, taken.get(i).get(), gen.toString());
            }
            assertThat(repository.snapshots()).hasSize(4);
            assertThat(repository
                            .verifier()
                            .all(new VerifyScope.Data(), Watch.none())
                            .findings())
                    .isEmpty();
            store.list("sessions", entry -> assertThat(entry.name()).isEmpty());
        }
    }

    /// Tables are made while the last packs of pages are written, but are not written before those are durable.
    @Test
    void nothingThatNamesAPackIsWrittenBeforeThatIsDurable() throws Exception {
        SlowPacks store = new SlowPacks();
        FakeGuest guest = new FakeGuest(300).fill(gen);
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY)) {
            guest.capture(repository, new WriterOptions("web1", new Compression.Auto(), 1, 2, 0));
        }
        assertThat(store.mostUnderWay()).isEqualTo(1);
    }

    @Test
    void twoSnapshotsOfOneNumberAreToldApartById() throws Exception {
        MemoryStore store = new MemoryStore();
        FakeGuest guest = new FakeGuest(5).fill(gen);
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY);
                Repository other = Repository.open(store, Optional.of(() -> KEY))) {
            Snapshot one = guest.capture(repository, "web1");
            // The other one lists while this manifest is not there yet.
            byte[] manifest = store.bytes(one.object()).clone();
            store.delete(one.object());
            Snapshot two = guest.capture(other, "web1");
            store.replace(one.object(), manifest);
            assertThat(two.title()).isEqualTo(one.title());
            assertThatThrownBy(() -> other.find("web1@1"))
                    .hasMessageContaining("names 2 snapshots")
                    .hasMessageContaining(one.id())
                    .hasMessageContaining(two.id());
            assertThat(other.find(one.id())).isEqualTo(one);
        }
    }

    @Test
    void anErrorOfAWorkerReachesTheSourceAndBlocksNobody() throws Exception {
        MemoryStore store = new MemoryStore();
        Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY).close();
        // The first put announces the session, the second is the first pack.
        FaultyStore full = new FaultyStore(store).failFrom(FaultyStore.Call.PUT, 2);
        FakeGuest guest = new FakeGuest(20000);
        byte[] seed = gen.bytes(4096);
        try (Repository repository = Repository.open(full, Optional.of(() -> KEY));
                SnapshotWriter writer = repository.writer(new WriterOptions("web1", new Compression.None(), 2, 4, 0))) {
            PageDestination to = writer.pages(guest.map);
            assertThatThrownBy(() -> {
                        FakeGuest.Sender sender = new FakeGuest.Sender(to);
                        for (int i = 0; i < 20000; i++) {
                            seed[0] = (byte) i;
                            seed[1] = (byte) (i >> 8);
                            sender.page(0, i, seed);
                        }
                        sender.end();
                        to.drain();
                    })
                    .isInstanceOf(MachineException.class)
                    .hasMessageContaining("Injected fault");
            assertThatThrownBy(() -> writer.publish(guest.publication())).isInstanceOf(MachineException.class);
        }
        full.assertAllHit();
    }
}
