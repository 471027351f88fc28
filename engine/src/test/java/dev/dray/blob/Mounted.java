package dev.dray.blob;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/// A small file system of its own for a test, which only root can mount. Elsewhere the test is skipped and says
/// so; the project's whole check (`-Ddray.check=true`) does not accept that.
final class Mounted implements AutoCloseable {
    private final Path at;

    private Mounted(Path at) {
        this.at = at;
    }

    static Mounted mount(Path at, String type, String options) throws Exception {
        boolean root = ProcessHandle.current().info().user().orElse("").equals("root");
        if (!root) {
            String reason = "Only root can mount a " + type + " for this test";
            assertThat(Boolean.getBoolean("dray.check")).as(reason).isFalse();
            System.err.println("Skipped: " + reason);
            Assumptions.abort(reason);
        }
        Files.createDirectories(at);
        run("mount", "-t", type, "-o", options, "dray-test", at.toString());
        return new Mounted(at);
    }

    void remount(String options) throws Exception {
        run("mount", "-o", "remount," + options, at.toString());
    }

    private static void run(String... command) throws IOException {
        List<String> words = new ArrayList<>(Arrays.asList(command));
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.onExit().join().exitValue())
                .as(words + ": " + output)
                .isZero();
    }

    @Override
    public void close() throws IOException {
        run("umount", at.toString());
    }
}
