package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackgroundTest {
    private static final Instant LIMIT = Instant.parse("2026-11-21T09:00:00Z");

    @TempDir
    private Path directory = Path.of("");

    private Path log(String name, Instant written) throws IOException {
        Path log = Files.writeString(directory.resolve(name), "served");
        Files.setLastModifiedTime(log, FileTime.from(written));
        return log;
    }

    @Test
    void logsOfProcessesThatAreLongGoneAreRemoved() throws Exception {
        long gone = Integer.MAX_VALUE; // more than the kernel gives
        Path old = log(gone + ".log", LIMIT.minusSeconds(1));
        Path fresh = log(gone - 1 + ".log", LIMIT.plusSeconds(1));
        Path inUse = log(ProcessHandle.current().pid() + ".log", LIMIT.minusSeconds(1));
        Path another = log("other.log", LIMIT.minusSeconds(1));
        Background.removeOld(directory, LIMIT);
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        assertThat(inUse).exists();
        assertThat(another).exists();
    }
}
