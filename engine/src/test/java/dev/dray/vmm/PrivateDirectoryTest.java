package dev.dray.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateDirectoryTest {
    private final FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofHours(1)));

    @TempDir
    private Path temp = Path.of("");

    /// Nobody holds the lock of what a killed Dray left.
    @Test
    void theNextOneRemovesWhatAKilledDrayLeftAndNothingThatIsInUse() throws Exception {
        Path control = Files.createFile(temp.resolve("control"));
        Path used;
        try (var live = PrivateDirectory.beside(control)) {
            Files.createFile(live.path().resolve("stream"));
            Path parent = live.path().getParent();
            Path left = Files.createTempDirectory(parent, "dray-sockets-");
            Files.createFile(left.resolve("stream"));
            Path fresh = Files.createTempDirectory(parent, "dray-sockets-");
            Path others = Files.createTempDirectory(parent, "dray-others-");
            Path link = Files.createSymbolicLink(
                    live.path().resolveSibling("dray-sockets-link" + left.getFileName()), others);
            for (Path each : new Path[] {live.path(), left, others}) {
                Files.setLastModifiedTime(each, longAgo);
            }
            try (var next = PrivateDirectory.beside(control)) {
                assertThat(left).doesNotExist();
                assertThat(live.path().resolve("stream")).exists();
                assertThat(next.path()).isNotEqualTo(live.path()).exists();
                assertThat(fresh).exists();
                assertThat(others).exists();
                assertThat(link).exists();
            } finally {
                Files.delete(link);
                Files.delete(fresh);
                Files.delete(others);
            }
            used = live.path();
        }
        assertThat(used).doesNotExist();
    }
}
