package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirectoryTest {
    @TempDir
    private Path temp = Path.of("");

    @Test
    void liesWhereTheEnvironmentSays() {
        assertThat(StateDirectory.place(Map.of("XDG_STATE_HOME", "/x"), true, "/root"))
                .isEqualTo(Path.of("/x/dray"));
        assertThat(StateDirectory.place(Map.of(), true, "/root")).isEqualTo(Path.of("/var/lib/dray"));
        assertThat(StateDirectory.place(Map.of("XDG_STATE_HOME", "relative"), false, "/home/u"))
                .isEqualTo(Path.of("/home/u/.local/state/dray"));
    }

    @Test
    void isForItsOwnerOnly() throws MachineException, IOException {
        StateDirectory state = StateDirectory.open(temp.resolve("a/b/dray"));
        Path heads = state.directory("heads");
        for (Path path : new Path[] {state.path(), heads}) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void closesADirectoryThatIsOpenToOthers() throws MachineException, IOException {
        Path path = Files.createDirectory(temp.resolve("dray"));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
        StateDirectory.open(path);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rwx------");
    }

    @Test
    void saysWhatToDoWhenItCannotBeMade() throws IOException {
        Path file = Files.createFile(temp.resolve("file"));
        assertThatThrownBy(() -> StateDirectory.open(file.resolve("dray")))
                .isInstanceOf(MachineException.class)
                .hasMessage("Cannot use " + file + "/dray to remember state: " + file)
                .extracting(e -> ((MachineException) e).whatToDo())
                .isEqualTo("Make it writable, or set XDG_STATE_HOME to a directory that is");
    }
}
