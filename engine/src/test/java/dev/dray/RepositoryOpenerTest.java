package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.UsageException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RepositoryOpenerTest {
    @ParameterizedTest
    @CsvSource({
        "/srv/dray, /srv/dray",
        "relative/dray, relative/dray",
        "file:///srv/dray, /srv/dray",
        "file:///srv/d%20ray, /srv/d ray",
        "/srv/a:b, /srv/a:b"
    })
    void findsTheDirectory(String place, String directory) throws UsageException {
        assertThat(RepositoryOpener.directory(place)).isEqualTo(Path.of(directory));
    }

    @Test
    void refusesOtherPlacesByName() {
        assertThatThrownBy(() -> RepositoryOpener.directory("s3://bucket/x"))
                .hasMessage("Object storage ('s3://bucket/x') is not in this release");
        assertThatThrownBy(() -> RepositoryOpener.directory("file://host/x"))
                .hasMessage("'file://host/x' is not a repository's URL");
        assertThatThrownBy(() -> RepositoryOpener.directory("file:///a b")).hasMessage("'file:///a b' is not a URL");
        assertThatThrownBy(() -> RepositoryOpener.directory("")).hasMessage("The repository's name is empty");
        assertThatThrownBy(() -> RepositoryOpener.directory("a\0b")).isInstanceOf(UsageException.class);
    }
}
