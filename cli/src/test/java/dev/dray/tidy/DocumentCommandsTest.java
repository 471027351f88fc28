package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The commands in the documents do what they say: each document's blocks that are marked `sh test` run one after the
/// other in one shell, in an empty directory that has nothing but a link to `./dray`, and each command must succeed.
@Tag("vmm")
class DocumentCommandsTest {
    private static final long MINUTES_MAX = 20;

    static Stream<Path> documents() {
        return Checkout.files(".md").stream()
                .filter(d -> !DocumentBlock.ofKind(d, "sh test").isEmpty());
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyCommandSucceeds(Path document, @TempDir Path directory) throws Exception {
        Files.createSymbolicLink(directory.resolve("dray"), Checkout.root().resolve("dray"));
        String script = DocumentBlock.ofKind(document, "sh test").stream()
                .map(DocumentBlock::text)
                .collect(Collectors.joining("\n", "set -eux\n", ""));
        String mark = UUID.randomUUID().toString();
        File output = directory.resolve("output").toFile();
        var builder = new ProcessBuilder("/bin/sh", "-c", script).directory(directory.toFile());
        builder.environment().put("DRAY_DOCUMENT", mark);
        builder.environment().put("XDG_STATE_HOME", directory.resolve("state").toString());
        Process shell = builder.redirectErrorStream(true).redirectOutput(output).start();
        try {
            shell.getOutputStream().close();
            boolean ended = shell.waitFor(MINUTES_MAX, TimeUnit.MINUTES);
            String said = Files.readString(output.toPath());
            assertThat(ended).as("%s took too long: %s", document, said).isTrue();
            assertThat(shell.exitValue()).as("%s: %s", document, said).isZero();
        } finally {
            killAllMarked(mark);
        }
    }

    /// Also what made itself a daemon has the environment that it was started with.
    private static void killAllMarked(String mark) {
        List<ProcessHandle> all = ProcessHandle.allProcesses().toList();
        for (ProcessHandle process : all) {
            Path environment = Path.of("/proc", Long.toString(process.pid()), "environ");
            try {
                if (new String(Files.readAllBytes(environment), StandardCharsets.ISO_8859_1).contains(mark)) {
                    process.destroyForcibly();
                }
            } catch (IOException _) {
                // It has ended meanwhile, or is another user's.
            }
        }
    }
}
