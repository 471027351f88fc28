package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HelpTest {
    private static final List<String> REPOSITORY =
            List.of("--repo", "--key-file", "--key-command", "--passphrase-file", "DRAY_REPO", "DRAY_KEY_FILE");

    /// What the users' reference promises, command by command.
    private static final Map<String, List<String>> PROMISED = Map.ofEntries(
            Map.entry("demo", List.of("--vmm", "auto|qemu|builtin")),
            Map.entry("init", List.of("--no-encryption", "--dedup", "repository|guest")),
            Map.entry(
                    "capture",
                    List.of(
                            "VM",
                            "qemu:SOCKET",
                            "ch:SOCKET",
                            "--name",
                            "--mode",
                            "auto|background|live|stop",
                            "--after",
                            "resume|pause|quit",
                            "--on-pause",
                            "--label",
                            "--downtime-limit",
                            "300ms",
                            "--time-limit",
                            "5m",
                            "--then",
                            "fail|stop",
                            "--rate",
                            "--compression",
                            "auto|none|zstd:LEVEL",
                            "--own-risk")),
            Map.entry(
                    "restore",
                    List.of(
                            "SNAPSHOT",
                            "--into",
                            "--lazy",
                            "--prefetch",
                            "recorded|none|FILE",
                            "--set",
                            "PATH=VALUE",
                            "--paused",
                            "--map-block",
                            "--disks-restored",
                            "NODE=ID",
                            "--disks-unchecked",
                            "--own-risk")),
            Map.entry("receive", List.of("--listen", "--name", "--tls-dir", "--plaintext")),
            Map.entry(
                    "send",
                    List.of(
                            "SNAPSHOT",
                            "--connect",
                            "--lazy",
                            "--paused",
                            "--connections",
                            "--set",
                            "--prefetch",
                            "--tls-dir",
                            "--plaintext")),
            Map.entry("import", List.of("DIR", "--name", "--label")),
            Map.entry("list", List.of("oldest first")),
            Map.entry("show", List.of("SNAPSHOT", "--command")),
            Map.entry("verify", List.of("SNAPSHOT", "--structure", "--data", "--data-subset", "n/m|x%", "--expect")),
            Map.entry("doctor", List.of("VM")),
            Map.entry("inspect", List.of("FILE")));

    static List<String> commands() {
        return Commands.NAMES;
    }

    @ParameterizedTest
    @MethodSource("commands")
    void namesEveryFlagAnExampleAndTheExitCodes(String name) {
        CommandRun run = CommandRun.of(name, "--help");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains(PROMISED.getOrDefault(name, List.of()))
                .contains("--json", "--quiet", "--verbose", "--help", "\nExamples:\n  dray " + name, "\nExit codes:\n");
        if (!name.equals("demo") && !name.equals("doctor")) {
            assertThat(run.out())
                    .contains(REPOSITORY)
                    .containsPattern("\n  3 +refused")
                    .containsPattern("\n  4 ");
        }
        assertThat(run.out()).containsPattern("\n  130 +SIGINT\n  143 +SIGTERM\n");
        assertThat(run.out().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(110));
        assertThat(CommandRun.of("help", name)).isEqualTo(run);
    }

    @Test
    void listsEveryCommand() {
        assertThat(CommandRun.of("--help").out().lines().filter(line -> line.matches("  [a-z]+ +[A-Z].*")))
                .hasSameSizeAs(Commands.NAMES);
    }

    @Test
    void isTheReference() throws IOException {
        var page = new StringBuilder("""
                # Commands

                What each command answers to `--help`. Outcomes and exit codes: [outcomes.md](outcomes.md).

                ```
                """);
        page.append(CommandRun.of("--help").out()).append("```\n");
        for (String name : Commands.NAMES) {
            page.append("\n## dray ").append(name).append("\n\n```\n");
            page.append(CommandRun.of(name, "--help").out()).append("```\n");
        }
        Path written = Path.of("../docs/reference/commands.md");
        Path fresh = Path.of("target/commands.md");
        Files.createDirectories(Path.of("target"));
        Files.writeString(fresh, page);
        assertThat(written)
                .as("the help has changed; look at it, then cp cli/target/commands.md docs/reference/commands.md")
                .exists()
                .content()
                .isEqualTo(page.toString());
    }
}
