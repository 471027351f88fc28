package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.blob.DirectoryStore;
import dev.dray.blob.FaultyStore;
import dev.dray.blob.MemoryStore;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoundTripTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);

    @Test
    void readsBackWhatWasCapturedWhateverItIs() throws Exception {
        Gen all = Gen.create("RoundTripTest");
        for (int i = 0; i < 20; i++) {
            Gen gen = all.fork(i);
            MemoryStore store = new MemoryStore();
            FakeGuest guest = new FakeGuest(gen.between(0, 9000), gen.between(1, 40), gen.between(1, 1)).fill(gen);
            Compression compression =
                    gen.oneOf(List.of(new Compression.Auto(), new Compression.None(), new Compression.Zstd(3)));
            WriterOptions options = new WriterOptions("web1", compression, gen.between(1, 3), gen.between(2, 8), 0);
            Optional<Credential> key = gen.chance(0.5) ? Optional.of(KEY) : Optional.empty();
            Snapshot written;
            try (Repository repository = Repository.init(store, key, gen.oneOf(Dedup.values()))) {
                written = guest.capture(repository, options);
            }
            try (Repository repository = Repository.open(store, key.map(k -> () -> k))) {
                Snapshot found = repository.find("web1");
                assertThat(found).as(gen.toString()).isEqualTo(written);
                guest.assertEqual(repository, found, gen.toString());
            }
        }
    }

    @Test
    void worksInADirectory(@TempDir Path directory) throws Exception {
        Gen gen = Gen.create("RoundTripTest.directory");
        FakeGuest guest = new FakeGuest(20000, 64).fill(gen);
        try (Repository repository =
                Repository.init(DirectoryStore.create(directory.resolve("r")), Optional.of(KEY), Dedup.REPOSITORY)) {
            guest.capture(repository, "web1");
        }
        try (Repository repository =
                Repository.open(DirectoryStore.open(directory.resolve("r")), Optional.of(() -> KEY))) {
            guest.assertEqual(repository, repository.find("web1@1"), gen.toString());
        }
    }

    @Test
    void numbersTheHistoryOfAName() throws Exception {
        Gen gen = Gen.create("RoundTripTest.history");
        FakeGuest guest = new FakeGuest(10).fill(gen);
        try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), Dedup.REPOSITORY)) {
            Snapshot first = guest.capture(repository, "web1");
            Snapshot second = guest.capture(repository, "web1");
            Snapshot other = guest.capture(repository, "db");
            assertThat(List.of(first.title(), second.title(), other.title()))
                    .containsExactly("web1@1", "web1@2", "db@1");
            assertThat(repository.find("web1")).isEqualTo(second);
            assertThat(repository.find("web1@1")).isEqualTo(first);
            assertThat(repository.find(other.id())).isEqualTo(other);
            assertThat(repository.find(other.id().substring(0, 6).toUpperCase(java.util.Locale.ROOT)))
                    .isEqualTo(other);
            assertThatThrownBy(() -> repository.find("web1@3"))
                    .isInstanceOf(UsageException.class)
                    .hasMessage("There is no snapshot web1@3 in memory; the newest is web1@2");
            assertThatThrownBy(() -> repository.find("")).hasMessage("The snapshot's name is empty");
            assertThatThrownBy(() -> repository.find("abcdef")).isInstanceOf(UsageException.class);
            assertThatThrownBy(() -> repository.find("web2"))
                    .isInstanceOf(UsageException.class)
                    .hasMessage("There is no snapshot of web2 in memory");
        }
    }

    @Test
    void rehearsesAPublicationWithoutTouchingTheStore() throws Exception {
        for (Optional<Credential> key : List.of(Optional.<Credential>of(KEY), Optional.<Credential>empty())) {
            FaultyStore store = new FaultyStore(new MemoryStore());
            try (Repository repository = Repository.init(store, key, Dedup.GUEST)) {
                long calls = store.count(FaultyStore.Call.ANY);
                repository.rehearse();
                assertThat(store.count(FaultyStore.Call.ANY)).isEqualTo(calls);
            }
        }
    }

    /// No host has room for where 2^46 pages lie.
    @Test
    void aGuestThatIsTooLargeForThisHostIsTheHostsFailure() throws Exception {
        var regions = new ArrayList<MemoryRegion>();
        for (int i = 0; i < GuestMemoryMap.REGIONS_MAX; i++) {
            regions.add(new MemoryRegion("r" + i, MemoryRegion.BYTES_MAX, 4096, List.of()));
        }
        try (Repository repository = Repository.init(new MemoryStore(), Optional.empty(), Dedup.REPOSITORY);
                SnapshotWriter writer = repository.writer(WriterOptions.of("web"))) {
            assertThatThrownBy(() -> writer.pages(new GuestMemoryMap(regions)))
                    .isInstanceOf(MachineException.class)
                    .hasMessageContaining("not enough memory");
        }
    }

    @Test
    void refusesNamesThatLookLikeAnId() throws Exception {
        try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), Dedup.REPOSITORY)) {
            for (String name :
                    List.of("abcdef", "0123456789", "DEADBEEF", "", "a@1", "-x", "a b", "a/b", ".", "..", "a\nb")) {
                assertThatThrownBy(() -> repository.writer(WriterOptions.of(name)))
                        .as(name)
                        .isInstanceOf(UsageException.class);
            }
            assertThatThrownBy(() -> GuestName.check("a\u001b[2Jb")).hasMessageStartingWith("The name a?[2Jb has");
            GuestName.check("_");
            GuestName.check("abcde");
            GuestName.check("web1");
            GuestName.check("fadedg");
        }
    }

    @Test
    void opensWithTheRightCredentialOnly() throws Exception {
        MemoryStore store = new MemoryStore();
        Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY).close();
        byte[] other = new byte[32];
        other[0] = 1;
        assertThatThrownBy(() -> Repository.open(store, Optional.of(() -> new Credential.Key(other))))
                .isInstanceOf(KeyException.class)
                .hasMessage("The key does not open memory");
        assertThatThrownBy(() -> Repository.open(store, Optional.empty()))
                .isInstanceOf(KeyException.class)
                .hasMessage("memory is encrypted and no key was given");
        assertThatThrownBy(
                        () -> Repository.open(store, Optional.of(() -> new Credential.Passphrase("x".toCharArray()))))
                .isInstanceOf(KeyException.class)
                .hasMessage("memory has no slot for a passphrase");
        assertThatThrownBy(() -> Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY))
                .isInstanceOf(RefusedException.class);
    }

    @Test
    void refusesAKeyForARepositoryThatIsNotEncrypted() throws Exception {
        MemoryStore store = new MemoryStore();
        Repository.init(store, Optional.empty(), Dedup.REPOSITORY).close();
        assertThatThrownBy(() -> Repository.open(store, Optional.of(() -> KEY)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("somebody may have replaced");
        try (Repository repository = Repository.open(store, Optional.empty())) {
            assertThat(repository.encrypted()).isFalse();
        }
    }
}
