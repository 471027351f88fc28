package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.DirectoryStore;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.seal.KeyFile;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// Repositories that released versions wrote stay readable for ever.
class GoldenRepositoryTest {
    private static final Path V1 = Path.of("src/test/resources/golden/repository-v1");

    private static void assertReadable(Path place, Optional<CredentialSource> credentials) throws Exception {
        try (Repository repository = Repository.open(DirectoryStore.open(place), credentials)) {
            assertThat(repository.snapshots().stream().map(Snapshot::title))
                    .containsExactlyInAnyOrder("golden@1", "golden@2", "other@1");
            GoldenRepository.guest(1).assertEqual(repository, repository.find("golden@1"), "golden@1");
            GoldenRepository.guest(2).assertEqual(repository, repository.find("golden"), "golden@2");
            GoldenRepository.guest(1).assertEqual(repository, repository.find("other"), "other@1");
            assertThat(repository.find("golden").manifest().facts().path("host").asString())
                    .isEqualTo("here");
            VerifyReport report = repository.verifier().all(new VerifyScope.Data(), Watch.none());
            assertThat(report.findings()).isEmpty();
            assertThat(report.unusedPacks()).isZero();
            assertThat(report.frames()).isGreaterThan(20);
        }
    }

    @Test
    void readsVersion1WithItsKeyFile() throws Exception {
        assertReadable(V1.resolve("encrypted"), Optional.of(() -> KeyFile.read(V1.resolve("key"))));
    }

    @Test
    void readsVersion1WithItsPassphrase() throws Exception {
        char[] passphrase = GoldenRepository.PASSPHRASE.toCharArray();
        assertReadable(V1.resolve("encrypted"), Optional.of(() -> new Credential.Passphrase(passphrase)));
    }

    @Test
    void readsVersion1ThatIsNotEncrypted() throws Exception {
        assertReadable(V1.resolve("not-encrypted"), Optional.empty());
    }

    @Test
    void readsAWorkingSetOfVersion1() throws Exception {
        Path place = V1.resolve("with-working-set");
        try (Repository repository = Repository.open(
                DirectoryStore.open(place.resolve("encrypted")),
                Optional.of(() -> KeyFile.read(place.resolve("key"))))) {
            WorkingSet set =
                    repository.workingSets().newest(repository.find("golden")).orElseThrow();
            WorkingSet expected = GoldenRepository.workingSet();
            assertThat(set.count()).isEqualTo(expected.count());
            for (int i = 0; i < set.count(); i++) {
                assertThat(set.region(i)).isEqualTo(expected.region(i));
                assertThat(set.page(i)).isEqualTo(expected.page(i));
                assertThat(set.afterMicros(i)).isEqualTo(expected.afterMicros(i));
            }
            assertThat(repository
                            .verifier()
                            .all(new VerifyScope.Data(), Watch.none())
                            .findings())
                    .isEmpty();
        }
    }
}
