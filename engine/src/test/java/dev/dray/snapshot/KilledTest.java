package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.FaultyStore;
import dev.dray.blob.MemoryStore;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// A writer that dies at any change of the store leaves only whole snapshots, and the next one works.
class KilledTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);

    private final Gen gen = Gen.create("KilledTest");

    private static void assertWhole(Repository repository, List<FakeGuest> guests, String what) throws DrayException {
        List<Snapshot> snapshots = repository.snapshots();
        assertThat(snapshots).as(what).hasSize(guests.size());
        for (int i = 0; i < guests.size(); i++) {
            guests.get(i).assertEqual(repository, snapshots.get(i), what);
        }
        VerifyReport report = repository.verifier().all(new VerifyScope.Data(), Watch.none());
        assertThat(report.findings()).as(what).isEmpty();
    }

    @Test
    void anyPrefixOfACaptureHoldsOnlyWholeSnapshots() throws Exception {
        MemoryStore before = new MemoryStore();
        FakeGuest first = new FakeGuest(300).fill(gen);
        try (Repository repository = Repository.init(before, Optional.of(KEY), Dedup.REPOSITORY)) {
            first.capture(repository, "web1");
        }
        FakeGuest second = new FakeGuest(9000, 10).fill(gen);
        for (int n = 1; ; n++) {
            MemoryStore inner = before.copy();
            FaultyStore dying = new FaultyStore(inner).dieAtChange(n);
            boolean died = false;
            try (Repository repository = Repository.open(dying, Optional.of(() -> KEY))) {
                second.capture(repository, "web1");
            } catch (MachineException _) {
                died = true;
            }
            String what = gen + ": died at change " + n;
            try (Repository repository = Repository.open(inner, Optional.of(() -> KEY))) {
                boolean published = repository.snapshots().size() == 2;
                assertWhole(repository, published ? List.of(first, second) : List.of(first), what);
                Snapshot next = second.capture(repository, "web1");
                assertThat(next.manifest().number()).isEqualTo(published ? 3 : 2);
                second.assertEqual(repository, next, what);
            }
            if (!died) {
                assertThat(n).isGreaterThan(5);
                return;
            }
        }
    }

    @Test
    void aWriteWhoseAnswerIsLostLeavesOnlyWholeSnapshots() throws Exception {
        MemoryStore before = new MemoryStore();
        Repository.init(before, Optional.of(KEY), Dedup.REPOSITORY).close();
        FakeGuest guest = new FakeGuest(500).fill(gen);
        for (int n = 1; n <= 6; n++) {
            MemoryStore inner = before.copy();
            FaultyStore faulty = new FaultyStore(inner).failAfterEffect(FaultyStore.Call.PUT, n);
            try (Repository repository = Repository.open(faulty, Optional.of(() -> KEY))) {
                guest.capture(repository, new WriterOptions("web1", new Compression.Auto(), 1, 2, 0));
            } catch (MachineException _) {
                // as told
            }
            try (Repository repository = Repository.open(inner, Optional.of(() -> KEY))) {
                List<FakeGuest> whole = repository.snapshots().isEmpty() ? List.of() : List.of(guest);
                assertWhole(repository, whole, gen + ": answer " + n + " lost");
            }
        }
    }

    @Test
    void anyPrefixOfInitIsNoRepositoryOrAWholeOne() throws Exception {
        for (int n = 1; n <= 2; n++) {
            MemoryStore inner = new MemoryStore();
            FaultyStore dying = new FaultyStore(inner).dieAtChange(n);
            org.assertj.core.api.Assertions.assertThatThrownBy(
                            () -> Repository.init(dying, Optional.of(KEY), Dedup.REPOSITORY))
                    .isInstanceOf(MachineException.class);
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> Repository.open(inner, Optional.of(() -> KEY)))
                    .isInstanceOf(UsageException.class);
            try (Repository again = Repository.init(inner, Optional.of(KEY), Dedup.REPOSITORY)) {
                new FakeGuest(3).fill(gen).capture(again, "web1");
            }
            Repository.open(inner, Optional.of(() -> KEY)).close();
        }
    }

    @Test
    void anAbortedCaptureLeavesNothing() throws Exception {
        MemoryStore store = new MemoryStore();
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY)) {
            try (SnapshotWriter writer = repository.writer(WriterOptions.of("web1"))) {
                FakeGuest guest = new FakeGuest(9000).fill(gen);
                guest.send(writer.pages(guest.map));
                assertThat(writer.progress().pagesIn()).isPositive();
            }
            assertThat(repository.snapshots()).isEmpty();
            for (String kind : List.of("packs", "sessions", "snapshots")) {
                store.list(kind, entry -> assertThat(entry.name()).isEmpty());
            }
        }
    }

    @Test
    void aCaptureThatWasTakenForDeadDoesNotPublish() throws Exception {
        MemoryStore store = new MemoryStore();
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY);
                SnapshotWriter writer = repository.writer(WriterOptions.of("web1"))) {
            FakeGuest guest = new FakeGuest(30).fill(gen);
            guest.send(writer.pages(guest.map));
            store.copy().list("sessions", entry -> store.delete(entry.name()));
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> writer.publish(guest.publication()))
                    .hasMessageContaining("took this capture for dead");
            assertThat(repository.snapshots()).isEmpty();
        }
    }
}
