package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What users and their scripts see of each command, with the built-in machine as the VM.
@Timeout(600)
class CommandsTest {
    private static final String ID = "[0-9a-f]{32}";
    private static final String TIME = "([0-9]+\\.[0-9] (ms|s)|[0-9]+ min [0-9]+ s)";
    private static final String SIZE = "([0-9]+\\.[0-9] [KM]iB|[0-9]+ B)";

    @TempDir
    private Path temp = Path.of("");

    private String repository = "";
    private String keyFile = "";

    @BeforeEach
    void paths() {
        repository = temp.resolve("repository").toString();
        keyFile = temp.resolve("key").toString();
    }

    private CommandRun run(String... arguments) {
        return CommandRun.with(Map.of("DRAY_REPO", repository, "DRAY_KEY_FILE", keyFile), arguments);
    }

    private CommandRun done(String... arguments) {
        CommandRun run = run(arguments);
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run;
    }

    private BuiltinMachine machine(String name, long bytes, boolean incoming) {
        MachineOptions options =
                MachineOptions.at(temp.resolve(name)).withName(name).withMemory(bytes);
        return BuiltinMachine.start(incoming ? options.incoming() : options);
    }

    private String vm(String name) {
        return "qemu:" + temp.resolve(name);
    }

    private static List<String> names(JsonNode object) {
        return new ArrayList<>(object.propertyNames());
    }

    @Test
    void tellsOfAJourneyInWords() {
        assertThat(done("init").out()).matches("""
                Made repository %s in %s
                Made the key file %s\\. Losing it loses everything in the repository: keep a copy elsewhere
                """.formatted(ID, repository, keyFile));
        assertThat(done("list").out()).isEqualTo("No snapshots\n");
        try (var _ = machine("a", MachineOptions.MEMORY_MIN, false)) {
            CommandRun captured = done("capture", vm("a"), "--name", "web1", "--label", "app=shop");
            assertThat(captured.out()).matches("""
                    Captured web1@1 from qemu \\S+ as snapshot %s
                    The guest is running; it stood still for %s
                    Mode \\w+: .+
                    Memory %s, of it %s zero pages; %s were read, the snapshot references %s and added %s
                    %s to the first message to the VMM, %s from there: .*
                    """.formatted(ID, TIME, SIZE, SIZE, SIZE, SIZE, SIZE, TIME, TIME));
            assertThat(captured.err()).startsWith("dray capture: opening the repository\n");
            CommandRun paused = done("capture", vm("a"), "--name", "halted", "--after", "pause");
            assertThat(paused.out()).contains("\nThe guest is paused\nMode live: ");
            CommandRun again = run("capture", vm("a"), "--name", "halted");
            assertThat(again.exitCode()).isEqualTo(3);
            assertThat(again.err()).endsWith("      The guest is paused\n      Let it run with cont\n");
        }
        assertThat(done("list").out()).matches("""
                ID            SNAPSHOT  TAKEN                 VMM +MEMORY +STORED  MODE
                [0-9a-f]{12}  web1@1    \\S{19}Z  qemu \\S+ +%s +%s  \\w+
                [0-9a-f]{12}  halted@1  \\S{19}Z  qemu \\S+ +%s +%s  live
                """.formatted(SIZE, SIZE, SIZE, SIZE));
        assertThat(done("show", "web1").out())
                .matches("(?s)snapshot +" + ID + "\nname +web1\n.*\nlabels\n  app +shop\nregions\n.*")
                .contains("\n  timings", "\n  pc.ram ", "\nsections\n", "\nsource\n  machine +".replace(" +", " "));
        assertThat(done("verify").out()).matches("""
                Verified 2 snapshots in \\d+ packs: \\d+ read whole, \\d+ frames authenticated, %s in %s
                (Unused: .*
                )?All is well
                """.formatted(SIZE, TIME));
        try (var _ = machine("b", MachineOptions.MEMORY_MIN, true)) {
            assertThat(done("restore", "web1", "--into", vm("b")).out())
                    .matches("""
                    Restored web1@1 \\(snapshot %s\\) into qemu \\S+
                    The guest is running; it resumed after %s and had all its memory after %s
                    Memory %s, of it %s zero pages; %s were sent, from %s stored
                    %s to the first message to the VMM, %s from there: .*
                    """.formatted(ID, TIME, TIME, SIZE, SIZE, SIZE, SIZE, TIME, TIME));
        }
    }

    @Test
    void tellsOfAJourneyInJson() {
        assertThat(names(done("init", "--json").json()))
                .containsExactly("outcome", "place", "repository", "encrypted", "dedup", "key_file_made");
        try (var _ = machine("a", MachineOptions.MEMORY_MIN, false)) {
            CommandRun captured = done("capture", vm("a"), "--name", "web1", "--json", "--quiet", "--mode", "stop");
            assertThat(captured.err()).isEmpty();
            assertThat(names(captured.json()))
                    .startsWith(
                            "outcome",
                            "snapshot",
                            "name",
                            "number",
                            "guest",
                            "vmm",
                            "mode",
                            "pause_ms",
                            "start_ms",
                            "elapsed_ms",
                            "memory_bytes",
                            "zero_bytes",
                            "read_bytes",
                            "stored_bytes",
                            "added_bytes",
                            "phases",
                            "warnings");
            assertThat(captured.json().path("guest").stringValue()).isEqualTo("running");
            assertThat(captured.json().path("mode").stringValue()).isEqualTo("stop");
            assertThat(names(captured.json().path("phases").get(0))).containsExactly("name", "ms");
        }
        JsonNode listed = done("list", "--json").json();
        assertThat(names(listed.path("snapshots").get(0)))
                .containsExactly("id", "name", "number", "taken", "memory_bytes", "stored_bytes", "vmm", "mode");
        String id = listed.path("snapshots").get(0).path("id").stringValue();
        assertThat(done("show", id.substring(0, 6), "--json")
                        .json()
                        .path("snapshot")
                        .stringValue())
                .isEqualTo(id);
        assertThat(done("verify", "--json", "--expect", id, "web1@1")
                        .json()
                        .path("outcome")
                        .stringValue())
                .isEqualTo("verified");
        try (var _ = machine("b", MachineOptions.MEMORY_MIN, true)) {
            JsonNode restored = done("restore", "web1@1", "--into", vm("b"), "--paused", "--json")
                    .json();
            assertThat(names(restored))
                    .contains("outcome", "snapshot", "guest", "resume_ms", "resident_ms", "warnings");
            assertThat(restored.path("guest").stringValue()).isEqualTo("paused");
        }
    }

    /// The command's id may belong to a disk that the VMM does not show.
    @Test
    void showsWhatACaptureTookAndWhatItsCommandPrinted() {
        done("init");
        try (var _ = machine("a", MachineOptions.MEMORY_MIN, false)) {
            done("capture", vm("a"), "--name", "web1", "--mode", "stop", "--on-pause", "echo snap-9");
        }
        JsonNode facts = done("show", "web1", "--json").json().path("facts");
        assertThat(facts.path("on_pause").stringValue()).isEqualTo("snap-9");
        assertThat(facts.path("timings").path("pause_ms").asDouble()).isPositive();
        assertThat(facts.path("timings").path("phases").findValuesAsString("name"))
                .contains("memory", "on-pause");
    }

    @Test
    void refusesAMachineThatDiffersAndLeavesItAlone() {
        done("init");
        try (var _ = machine("a", MachineOptions.MEMORY_MIN, false)) {
            done("capture", vm("a"), "--name", "web1");
        }
        try (var other = machine("b", 2 * MachineOptions.MEMORY_MIN, true)) {
            CommandRun refused = run("restore", "web1", "--into", vm("b"), "--json");
            assertThat(refused.exitCode()).isEqualTo(3);
            assertThat(refused.json().path("kind").stringValue()).isEqualTo("refused");
            assertThat(refused.json().path("message").stringValue()).contains("pc.ram");
            assertThat(other.status()).isEqualTo("inmigrate");
        }
    }

    @Test
    void endsEachKindOfFailureWithItsCode() throws Exception {
        done("init");
        CommandRun noVm = run("capture", vm("none"), "--name", "web1", "--json");
        assertThat(noVm.exitCode()).isEqualTo(3);
        assertThat(noVm.json().path("message").stringValue()).isEqualTo("There is no socket " + temp.resolve("none"));

        assertThat(run("show", "web1").exitCode()).isEqualTo(2);

        CommandRun host = run("init", "--repo", "/proc/dray", "--no-encryption", "--json");
        assertThat(host.exitCode()).as(host.out()).isEqualTo(1);
        assertThat(host.json().path("kind").stringValue()).isEqualTo("machine");

        Path otherKey = temp.resolve("other");
        done("init", "--repo", temp.resolve("r2").toString(), "--key-file", otherKey.toString());
        CommandRun wrong = run("list", "--key-file", otherKey.toString(), "--json");
        assertThat(wrong.exitCode()).isEqualTo(4);
        assertThat(wrong.json().path("kind").stringValue()).isEqualTo("key");

        Path config = temp.resolve("repository/config/repository");
        byte[] bytes = Files.readAllBytes(config);
        bytes[bytes.length - 1] ^= 1;
        Files.delete(config);
        Files.write(config, bytes);
        CommandRun damaged = run("list", "--json");
        assertThat(damaged.exitCode()).isEqualTo(4);
        assertThat(damaged.json().path("kind").stringValue()).isEqualTo("corrupt");
    }

    @Test
    void saysWhatLosesEverythingAlsoIfItWasThereBefore() throws Exception {
        done("init");
        assertThat(done("init", "--repo", temp.resolve("r2").toString()).out())
                .endsWith("\nLosing the key file " + keyFile
                        + " loses everything in the repository: keep a copy elsewhere\n");
        assertThat(CommandRun.of("init", "--repo", temp.resolve("r3").toString(), "--key-command", "cat " + keyFile)
                        .out())
                .endsWith("\nLosing the key that the key command prints loses everything in the repository\n");
        Path file = Files.writeString(temp.resolve("passphrase"), "correct horse\n");
        assertThat(CommandRun.of("init", "--repo", temp.resolve("r4").toString(), "--passphrase-file", file.toString())
                        .out())
                .endsWith("\nLosing the passphrase loses everything in the repository\n");
    }

    @Test
    void isLoudWithoutEncryption() {
        CommandRun made = CommandRun.of("init", "--repo", repository, "--no-encryption");
        assertThat(made.out())
                .endsWith("NOT ENCRYPTED: whoever reads or writes the directory reads or forges guests' memory\n");
        assertThat(CommandRun.of("list", "--repo", "file://" + repository).exitCode())
                .isZero();
    }

    @Test
    void takesSecretsFromFilesAndTheEnvironmentOnly() throws Exception {
        Path file = Files.writeString(temp.resolve("passphrase"), "correct horse\nnot this\n");
        var environment = Map.of("DRAY_REPO", repository);
        assertThat(CommandRun.with(environment, "init", "--passphrase-file", file.toString())
                        .exitCode())
                .isZero();
        var right = Map.of("DRAY_REPO", repository, "DRAY_PASSPHRASE", "correct horse");
        assertThat(CommandRun.with(right, "list").exitCode()).isZero();
        var wrong = Map.of("DRAY_REPO", repository, "DRAY_PASSPHRASE", "wrong");
        CommandRun refused = CommandRun.with(wrong, "list");
        assertThat(refused.exitCode()).isEqualTo(4);
        assertThat(refused.err()).doesNotContain("wrong", "horse");
        assertThat(CommandRun.with(wrong, "list", "--passphrase-file", file.toString())
                        .exitCode())
                .as("a flag counts before a variable")
                .isZero();
    }
}
