package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.KeySource;
import dev.dray.ListSnapshots;
import dev.dray.Listed;
import dev.dray.Operation;
import dev.dray.Outcome;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.Show;
import dev.dray.Verified;
import dev.dray.Verify;
import dev.dray.cli.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// What one user of Dray has on one host: a repository and its key, a state directory, and the commands. Everything
/// lies in one temporary directory.
final class Household implements AutoCloseable {
    /// What must never be seen in an environment or argument of a child.
    static final String SECRET = "correct-horse-battery-staple";

    private final Path directory;
    private final Map<String, String> environment = new TreeMap<>();

    private Household(Path directory) {
        this.directory = directory;
    }

    /// With an empty, encrypted repository.
    static Household open() throws Exception {
        Household household = without();
        assertThat(household
                        .dray("init", "--repo", household.repository().toString())
                        .exitCode())
                .isZero();
        return household;
    }

    /// Without a repository.
    static Household without() throws IOException {
        Path directory = Files.createTempDirectory("dray-home-");
        for (String each : List.of("state", "run", "tmp")) {
            Files.createDirectory(directory.resolve(each));
        }
        var household = new Household(directory);
        household.environment.put("XDG_STATE_HOME", directory.resolve("state").toString());
        household.environment.put("XDG_RUNTIME_DIR", directory.resolve("run").toString());
        household.environment.put("DRAY_KEY_FILE", directory.resolve("key").toString());
        return household;
    }

    Path directory() {
        return directory;
    }

    Path repository() {
        return directory.resolve("repository");
    }

    /// A variable for each Dray that is started from now on.
    Household with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    Household without(String variable) {
        environment.remove(variable);
        return this;
    }

    DrayRun start(String... arguments) throws IOException {
        return start(Arrays.asList(arguments));
    }

    DrayRun start(List<String> arguments) throws IOException {
        var all = new ArrayList<>(arguments);
        all.add("--json");
        var builder = new ProcessBuilder(DrayRun.command(directory.resolve("tmp"), all));
        builder.environment().keySet().removeIf(name -> name.startsWith("DRAY_"));
        builder.environment().putAll(environment);
        return new DrayRun(all, builder.start());
    }

    /// Runs a command to its end, in this process: it takes a tenth of the time of one of its own. Who wants to signal
    /// or kill it has to [#start]. One at a time, of whichever household: the state directory is the process's.
    DrayRun.Ended dray(String... arguments) {
        return dray(Arrays.asList(arguments));
    }

    DrayRun.Ended dray(List<String> arguments) {
        var all = new ArrayList<>(arguments);
        all.add("--json");
        synchronized (CommandRun.ONE_AT_A_TIME) {
            System.setProperty("dray.state", directory.resolve("state/dray").toString());
            try {
                CommandRun run = CommandRun.with(environment, all.toArray(String[]::new));
                return new DrayRun.Ended(
                        run.exitCode(), run.json(), run.err().lines().toList());
            } finally {
                System.clearProperty("dray.state");
            }
        }
    }

    DrayRun startCapture(QemuGuest guest, String name, String... options) throws IOException {
        return start(captureCommand(guest.address(), name, options));
    }

    private List<String> captureCommand(String vm, String name, String... options) {
        var command =
                new ArrayList<>(List.of("capture", vm, "--repo", repository().toString(), "--name", name));
        command.addAll(List.of(options));
        return command;
    }

    DrayRun.Ended capture(QemuGuest guest, String name, String... options) {
        return dray(captureCommand(guest.address(), name, options));
    }

    DrayRun.Ended capture(Path socket, String name) {
        return dray(captureCommand("qemu:" + socket, name));
    }

    DrayRun startRestore(String snapshot, QemuGuest into, String... options) throws IOException {
        return start(restoreCommand(snapshot, into, options));
    }

    private List<String> restoreCommand(String snapshot, QemuGuest into, String... options) {
        var command = new ArrayList<>(
                List.of("restore", snapshot, "--repo", repository().toString(), "--into", into.address()));
        command.addAll(List.of(options));
        return command;
    }

    DrayRun.Ended restore(String snapshot, QemuGuest into, String... options) {
        return dray(restoreCommand(snapshot, into, options));
    }

    /// A capture that must work, and its snapshot's id.
    String captures(QemuGuest guest, String name, String... options) throws Exception {
        DrayRun.Ended ended = capture(guest, name, options);
        assertThat(ended.exitCode()).as("%s %s", ended.json(), ended.err()).isZero();
        return ended.text("snapshot");
    }

    /// What `list` shows, as `name@number`.
    List<String> listed() throws Exception {
        Listed listed = read(new ListSnapshots(access()));
        assertThat(listed.damaged()).isEmpty();
        return listed.snapshots().stream()
                .map(each -> each.name() + "@" + each.number())
                .toList();
    }

    void verifies() throws Exception {
        Verified verified = read(Verify.of(access()));
        assertThat(verified.problems()).isEmpty();
    }

    JsonNode shown(String snapshot) throws Exception {
        return read(new Show(snapshot, access())).json();
    }

    private RepositoryAccess access() {
        return new RepositoryAccess(repository().toString(), new KeySource.KeyFileAt(directory.resolve("key")));
    }

    private <R extends Outcome> R read(Operation<R> operation) throws Exception {
        synchronized (CommandRun.ONE_AT_A_TIME) {
            System.setProperty("dray.state", directory.resolve("state/dray").toString());
            try {
                return operation.run(Progress.none());
            } finally {
                System.clearProperty("dray.state");
            }
        }
    }

    /// What lies in the directory where Dray makes its sockets.
    List<String> sockets() throws IOException {
        try (var files = Files.list(directory.resolve("run"))) {
            return files.map(each -> each.getFileName().toString()).toList();
        }
    }

    @Override
    public void close() throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
