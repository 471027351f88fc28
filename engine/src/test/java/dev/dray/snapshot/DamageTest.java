package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.BlobStore;
import dev.dray.blob.MemoryStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// Whatever is damaged: verify finds it or nothing depends on it, and no reader gives a wrong byte.
class DamageTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);
    private static final String[] KINDS = {"config", "keys", "packs", "snapshots", "sessions", "workingsets"};

    private final Gen gen = Gen.create("DamageTest");
    private final MemoryStore store = new MemoryStore();
    private final Map<String, FakeGuest> guests = new LinkedHashMap<>();

    /// A repository of some kilobytes: two snapshots that share pages.
    DamageTest() throws Exception {
        FakeGuest guest = new FakeGuest(7, 2);
        for (int i = 0; i < 5; i++) {
            guest.pages.getFirst()[i] = i == 2 ? new byte[4096] : FakeGuest.text(gen);
        }
        guest.pages.getLast()[1] = FakeGuest.text(gen);
        guest.state.put("devices", gen.bytes(40));
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY)) {
            WriterOptions options = new WriterOptions("web1", new Compression.Auto(), 1, 2, 0);
            guests.put(guest.capture(repository, options).id(), guest);
            FakeGuest later = guest.copy();
            later.pages.getFirst()[0] = FakeGuest.text(gen);
            guests.put(later.capture(repository, options).id(), later);
            recordWorkingSets(repository);
        }
    }

    private static void recordWorkingSets(Repository repository) throws DrayException {
        for (Snapshot snapshot : repository.snapshots()) {
            WorkingSet set = WorkingSet.of(new int[] {1, 0, 0}, new long[] {1, 0, 6}, new int[] {0, 40, 70_000}, 3);
            repository.workingSets().record(snapshot, set);
        }
    }

    private static List<String> names(BlobStore store) throws DrayException {
        List<String> names = new ArrayList<>();
        for (String kind : KINDS) {
            store.list(kind, entry -> names.add(entry.name()));
        }
        return names;
    }

    /// What became of a damage.
    private enum Fate {
        DOES_NOT_OPEN,
        FOUND,
        HARMLESS
    }

    private Fate fate(MemoryStore damaged, String what) throws DrayException {
        try (Repository repository = Repository.open(damaged, Optional.of(() -> KEY))) {
            VerifyReport report = repository.verifier().all(new VerifyScope.Data(), Watch.none());
            boolean allRead = true;
            for (Snapshot snapshot : repository.snapshots()) {
                allRead &= reads(repository, snapshot, what);
            }
            boolean allListed = repository.snapshots().size() == guests.size();
            if (!report.sound()) {
                return Fate.FOUND;
            }
            assertThat(allRead)
                    .as(gen + ": a sound report, but not all can be read: " + what)
                    .isTrue();
            assertThat(allListed || what.startsWith("removed snapshots/"))
                    .as(gen + ": a sound report, but a snapshot is gone: " + what)
                    .isTrue();
            return Fate.HARMLESS;
        } catch (CorruptException | KeyException | UsageException | RefusedException _) {
            return Fate.DOES_NOT_OPEN;
        }
    }

    /// True if it reads back right; false if reading fails; a wrong byte fails the test.
    private boolean reads(Repository repository, Snapshot snapshot, String what) throws DrayException {
        try {
            java.util.Objects.requireNonNull(guests.get(snapshot.id()))
                    .assertEqual(repository, snapshot, gen + ": " + what);
            return true;
        } catch (CorruptException _) {
            return false;
        }
    }

    @Test
    void findsEachFlippedByte() throws Exception {
        int harmless = 0;
        int flips = 0;
        for (String name : names(store)) {
            byte[] whole = store.bytes(name).clone();
            for (int at = 0; at < whole.length; at++) {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) (1 << gen.between(0, 7));
                store.replace(name, flipped);
                Fate fate = fate(store, "byte " + at + " of " + name);
                if (name.startsWith("packs") || name.startsWith("snapshots") || name.startsWith("workingsets")) {
                    assertThat(fate).as(gen + ": byte " + at + " of " + name).isEqualTo(Fate.FOUND);
                } else {
                    assertThat(fate).as(gen + ": byte " + at + " of " + name).isEqualTo(Fate.DOES_NOT_OPEN);
                }
                harmless += fate == Fate.HARMLESS ? 1 : 0;
                flips++;
            }
            store.replace(name, whole);
        }
        assertThat(harmless).isZero();
        assertThat(flips).isGreaterThan(2000);
    }

    @Test
    void findsEachTruncatedObject() throws Exception {
        for (String name : names(store)) {
            byte[] whole = store.bytes(name).clone();
            for (int bytes : new int[] {0, 1, 47, 63, 64, whole.length / 2, whole.length - 48, whole.length - 1}) {
                store.replace(name, Arrays.copyOf(whole, Math.clamp(bytes, 0, whole.length - 1)));
                assertThat(fate(store, name + " cut to " + bytes)).isNotEqualTo(Fate.HARMLESS);
            }
            store.replace(name, Arrays.copyOf(whole, whole.length + 1));
            assertThat(fate(store, name + " longer by one")).isNotEqualTo(Fate.HARMLESS);
            store.replace(name, whole);
        }
    }

    @Test
    void findsEachRemovedObjectButASnapshotThatIsGoneAsAWholeAndAHint() throws Exception {
        for (String name : names(store)) {
            MemoryStore without = store.copy();
            without.delete(name);
            Fate fate = fate(without, "removed " + name);
            if (name.startsWith("snapshots") || name.startsWith("workingsets")) {
                assertThat(fate).as(name).isEqualTo(Fate.HARMLESS);
            } else {
                assertThat(fate).as(name).isNotEqualTo(Fate.HARMLESS);
            }
        }
    }

    @Test
    void findsEachObjectThatStandsInAnothersPlace() throws Exception {
        MemoryStore other = new MemoryStore();
        try (Repository repository = Repository.init(other, Optional.of(KEY), Dedup.REPOSITORY)) {
            guests.values().iterator().next().capture(repository, "web1");
            recordWorkingSets(repository);
        }
        List<String> others = names(other);
        for (String name : names(store)) {
            String kind = name.substring(0, name.indexOf('/') + 1);
            byte[] whole = store.bytes(name).clone();
            for (String from : names(store)) {
                if (from.startsWith(kind) && !from.equals(name)) {
                    store.replace(name, store.bytes(from).clone());
                    assertThat(fate(store, from + " in place of " + name)).isNotEqualTo(Fate.HARMLESS);
                }
            }
            for (String from : others) {
                if (from.startsWith(kind)) {
                    store.replace(name, other.bytes(from).clone());
                    assertThat(fate(store, from + " of another repository in place of " + name))
                            .isNotEqualTo(Fate.HARMLESS);
                }
            }
            store.replace(name, whole);
        }
    }

    @Test
    void namesObjectSnapshotAndGuestRange() throws Exception {
        String pack = null;
        for (String name : names(store)) {
            // The pack of the first snapshot's pages is the only one that both need and that holds five of them.
            pack = name.startsWith("packs/") && (pack == null || store.bytes(name).length > store.bytes(pack).length)
                    ? name
                    : pack;
        }
        assertThat(pack).isNotNull();
        store.bytes(pack)[3] ^= 1;
        try (Repository repository = Repository.open(store, Optional.of(() -> KEY))) {
            VerifyReport report = repository.verifier().all(new VerifyScope.Data(), Watch.none());
            Finding finding = report.findings().getFirst();
            assertThat(finding.object()).isEqualTo(pack);
            assertThat(finding.message()).contains("the frame of ").contains(" bytes at 0 is not authentic");
            assertThat(report.findings())
                    .allSatisfy(f -> assertThat(f.snapshot()).isPresent())
                    .allSatisfy(f -> assertThat(guests).containsKey(f.snapshot().orElseThrow()));
        }
    }

    @Test
    void aDamagedPackIsNotReusedByTheNextCapture() throws Exception {
        for (String name : names(store)) {
            if (!name.startsWith("packs/")) {
                continue;
            }
            MemoryStore cut = store.copy();
            cut.replace(name, Arrays.copyOf(cut.bytes(name), cut.bytes(name).length - 1));
            try (Repository repository = Repository.open(cut, Optional.of(() -> KEY))) {
                FakeGuest guest = guests.values().iterator().next();
                Snapshot next = guest.capture(repository, "web1");
                guest.assertEqual(repository, next, gen + ": " + name);
                VerifyReport report = repository.verifier().some(List.of(next), new VerifyScope.Data(), Watch.none());
                assertThat(report.findings()).as(gen + ": " + name).isEmpty();
            }
        }
    }

    @Test
    void listsTheOthersIfAManifestIsDamaged() throws Exception {
        String manifest = names(store).stream()
                .filter(n -> n.startsWith("snapshots/"))
                .findFirst()
                .orElseThrow();
        store.bytes(manifest)[100] ^= 1;
        try (Repository repository = Repository.open(store, Optional.of(() -> KEY))) {
            Listing listing = repository.list();
            assertThat(listing.snapshots()).hasSize(1);
            assertThat(listing.damaged()).hasSize(1);
            assertThat(listing.damaged().getFirst().object()).isEqualTo(manifest);
            String id = manifest.substring("snapshots/".length(), manifest.indexOf('.'));
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> repository.find(id))
                    .isInstanceOf(CorruptException.class)
                    .hasMessageContaining("not authentic");
        }
    }
}
