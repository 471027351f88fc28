package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.MemoryStore;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DedupTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);

    private final Gen gen = Gen.create("DedupTest");

    private FakeGuest guest(int pages) {
        FakeGuest guest = new FakeGuest(pages);
        for (int i = 0; i < pages; i++) {
            guest.pages.getFirst()[i] = i % 2 == 0 ? gen.bytes(4096) : half(gen);
        }
        return guest;
    }

    /// A page of which half is random.
    private static byte[] half(Gen gen) {
        byte[] page = new byte[4096];
        System.arraycopy(gen.bytes(2048), 0, page, 1000, 2048);
        return page;
    }

    @Test
    void fivePercentOfScatteredChangesAddAboutFivePercent() throws Exception {
        FakeGuest guest = guest(16384);
        try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), Dedup.REPOSITORY)) {
            Snapshot first = guest.capture(repository, "web1");
            FakeGuest later = guest.copy();
            long changed = 0;
            for (int i = 0; i < 16384; i++) {
                if (gen.chance(0.05)) {
                    later.pages.getFirst()[i] = i % 2 == 0 ? gen.bytes(4096) : half(gen);
                    changed += i % 2 == 0 ? 4096 : 2048;
                }
            }
            Snapshot second = later.capture(repository, "web1");
            long added = second.manifest().counters().addedBytes();
            System.out.println("first added " + first.manifest().counters().addedBytes() + ", changed " + changed
                    + ", second added " + added);
            assertThat((double) added / changed).as(gen.toString()).isBetween(1.0, 1.1);
            assertThat(second.manifest().counters().storedBytes())
                    .isCloseTo(
                            first.manifest().counters().storedBytes(),
                            org.assertj.core.data.Percentage.withPercentage(1));
        }
    }

    @Test
    void anUnchangedGuestAddsAManifestOnly() throws Exception {
        FakeGuest guest = guest(16384);
        try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), Dedup.REPOSITORY)) {
            guest.capture(repository, "web1");
            Snapshot again = guest.capture(repository, "web1");
            assertThat(again.manifest().counters().addedBytes()).isLessThan(2000);
            guest.assertEqual(repository, again, gen.toString());
        }
    }

    @Test
    void equalPagesOfOneCaptureAreStoredOnce() throws Exception {
        FakeGuest guest = new FakeGuest(5000);
        byte[] page = gen.bytes(4096);
        for (int i = 0; i < 5000; i++) {
            guest.pages.getFirst()[i] = page;
        }
        try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), Dedup.REPOSITORY)) {
            Snapshot snapshot = guest.capture(repository, "web1");
            assertThat(snapshot.manifest().counters().addedBytes()).isLessThan(30_000);
            guest.assertEqual(repository, snapshot, gen.toString());
        }
    }

    @Test
    void guestsShareOnlyWhereTheRepositorySaysSo() throws Exception {
        FakeGuest guest = guest(2000);
        for (Dedup dedup : Dedup.values()) {
            try (Repository repository = Repository.init(new MemoryStore(), Optional.of(KEY), dedup)) {
                long first =
                        guest.capture(repository, "web1").manifest().counters().addedBytes();
                Snapshot other = guest.capture(repository, "web2");
                Snapshot same = guest.capture(repository, "web2");
                long expected = dedup == Dedup.GUEST ? first : 0;
                assertThat(other.manifest().counters().addedBytes() - expected)
                        .as(dedup.toString())
                        .isBetween(-10_000L, 10_000L);
                assertThat(same.manifest().counters().addedBytes()).isLessThan(3500);
                assertThat(repository
                                .verifier()
                                .all(new VerifyScope.Data(), Watch.none())
                                .findings())
                        .isEmpty();
            }
        }
    }
}
