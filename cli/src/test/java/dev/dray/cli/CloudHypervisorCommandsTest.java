package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.testbed.Listening;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What users of Cloud Hypervisor see of the commands, with the built-in machine as the VM. It runs no instructions of
/// a processor, so that `--own-risk` takes nothing away.
@Timeout(600)
class CloudHypervisorCommandsTest {
    private static final long MEMORY_BYTES = 64L << 20;

    @TempDir
    private Path temp = Path.of("");

    private String repository = "";
    private String keyFile = "";

    @BeforeEach
    void paths() {
        repository = temp.resolve("repository").toString();
        keyFile = temp.resolve("key").toString();
        done("init", "--repo", repository);
    }

    private CommandRun run(String... arguments) {
        return CommandRun.with(Map.of("DRAY_KEY_FILE", keyFile), arguments);
    }

    private CommandRun done(String... arguments) {
        CommandRun run = run(arguments);
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run;
    }

    private CommandRun onRepository(String... arguments) {
        var all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--repo", repository));
        return run(all.toArray(String[]::new));
    }

    private JsonNode json(String... arguments) {
        var all = new ArrayList<>(List.of(arguments));
        all.add("--json");
        if (!all.contains("--repo")) {
            all.addAll(List.of("--repo", repository));
        }
        CommandRun run = run(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run.json();
    }

    private BuiltinMachine machine(String name, boolean incoming) {
        // As fast as it can and here and there, so that a guest asks for pages that nobody would have brought it yet.
        MachineOptions options = MachineOptions.cloudHypervisor(temp.resolve(name))
                .withName(name)
                .withMemory(MEMORY_BYTES)
                .with(new ProgramSettings(Workload.RANDOM, Fill.HALF, 0));
        // A fault at the drain has it fetch nothing ahead before the guest runs; a second drain there is not.
        Faults faults = Faults.none().plan(FaultStep.RECEIVER_DRAIN, 2, Faults.Action.ERROR);
        return BuiltinMachine.start(incoming ? options.incoming().with(faults) : options);
    }

    private String vm(String name) {
        return "ch:" + temp.resolve(name);
    }

    private void capture() {
        try (var _ = machine("source", false)) {
            JsonNode captured = json("capture", vm("source"), "--name", "web1");
            assertThat(captured.path("guest").asString()).isEqualTo("running");
            assertThat(captured.path("vmm").asString()).startsWith("cloud-hypervisor ");
        }
    }

    private JsonNode restore(String into, String... more) {
        try (var _ = machine(into, true)) {
            var all = new ArrayList<>(List.of("restore", "web1", "--into", vm(into), "--own-risk"));
            all.addAll(List.of(more));
            return json(all.toArray(String[]::new));
        }
    }

    private List<Path> workingSets() throws IOException {
        Path directory = Path.of(repository, "workingsets");
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void aGuestRestoredLazilyIsRememberedForTheNextTime() throws IOException {
        capture();
        assertThat(onRepository("show", "web1").out())
                .contains("mem0@0x0")
                .contains("boot vcpus")
                .containsPattern("timings\n +pause ms +[0-9.]+\n +phases")
                .doesNotContain("working set");
        JsonNode eager = restore("a");
        assertThat(eager.path("mode").asString()).isEqualTo("eager");
        assertThat(eager.has("faults")).isFalse();
        assertThat(workingSets()).isEmpty();

        JsonNode lazy = restore("b", "--lazy");
        assertThat(lazy.path("mode").asString()).isEqualTo("lazy");
        assertThat(lazy.path("guest").asString()).isEqualTo("running");
        assertThat(lazy.path("requests").asLong())
                .isGreaterThanOrEqualTo(lazy.path("faults").asLong());
        assertThat(lazy.path("fault_max_us").asDouble())
                .isGreaterThanOrEqualTo(lazy.path("fault_p99_us").asDouble());
        long answered = 0;
        for (JsonNode bucket : lazy.path("fault_histogram")) {
            answered += bucket.path("count").asLong();
        }
        assertThat(answered).isEqualTo(lazy.path("requests").asLong());
        assertThat(lazy.path("resident_ms").asDouble())
                .isGreaterThanOrEqualTo(lazy.path("resume_ms").asDouble());

        assertThat(workingSets()).as(lazy.toString()).hasSize(1);
        assertThat(onRepository("show", "web1").out())
                .containsPattern("working set: [0-9,]+ pages \\(.*\\) that the guest asked for")
                .containsPattern("  in [0-9.]+ m?s +#+ +[0-9,]+");
        JsonNode inspected = json("inspect", workingSets().getFirst().toString());
        assertThat(inspected.path("format").asString()).isEqualTo("DRAYWSET");
        assertThat(inspected.path("pages").asLong()).isPositive();
        assertThat(inspected.path("page_list").get(0).path("region").asString()).isEqualTo("mem0@0x0");

        JsonNode again = restore("c", "--lazy", "--prefetch", "recorded");
        assertThat(again.path("mode").asString()).isEqualTo("lazy");
        assertThat(workingSets()).hasSize(1);
        assertThat(onRepository("verify").exitCode()).isZero();
    }

    @Test
    void aRepositoryThatCannotBeWrittenCostsAWarningOnly() throws IOException {
        capture();
        Files.writeString(Path.of(repository, "workingsets"), "in the way");
        JsonNode lazy = restore("a", "--lazy", "--prefetch", "none");
        assertThat(lazy.path("guest").asString()).isEqualTo("running");
        assertThat(lazy.path("warnings").toString()).contains("what the guest asked for first could not be kept");
    }

    @Test
    void aFileSaysWhatToFetchFirst() throws IOException {
        capture();
        Path list = Files.writeString(temp.resolve("pages"), "# the kernel\nmem0@0x0 16+32\nmem0@0x0 0\n");
        JsonNode lazy = restore("a", "--lazy", "--prefetch", list.toString());
        assertThat(lazy.path("guest").asString()).isEqualTo("running");
        Files.writeString(list, "mem0@0x0 0\nmem1@0x0 1\n");
        CommandRun wrong = onRepository("restore", "web1", "--into", vm("x"), "--lazy", "--prefetch", list.toString());
        assertThat(wrong.exitCode()).isEqualTo(2);
        assertThat(wrong.err())
                .contains("Line 2 of " + list + " names no page: the snapshot has no memory region mem1@0x0");
        CommandRun missing = onRepository("restore", "web1", "--into", vm("x"), "--lazy", "--prefetch", list + ".none");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("dray: There is no list of pages " + list + ".none\n");
        Files.writeString(list, "mem0@0x0 16383+2\n");
        assertThat(onRepository("restore", "web1", "--into", vm("x"), "--lazy", "--prefetch", list.toString())
                        .err())
                .contains("mem0@0x0 has 16384 pages");
    }

    @Test
    void whatCannotBeReadComesFromACopyOfTheRepository() throws IOException {
        capture();
        Path copy = temp.resolve("copy");
        copy(Path.of(repository), copy);
        loseAllPacks();
        JsonNode restored =
                restore("a", "--lazy", "--prefetch", "none", "--repo", repository, "--repo", copy.toString());
        assertThat(restored.path("guest").asString()).isEqualTo("running");
        assertThat(restored.path("warnings").toString()).contains("the guest is read from the copy in ");
    }

    @Test
    void aCopyThatDoesNotHoldTheSnapshotIsRefused() {
        capture();
        String other = temp.resolve("other").toString();
        done("init", "--repo", other);
        CommandRun refused = run("restore", "web1", "--into", vm("x"), "--lazy", "--repo", repository, "--repo", other);
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err()).contains("The repository " + other + " holds no copy of snapshot ");
    }

    @Test
    void aCloneGetsOtherValuesAndNoneThatItsStateRefersTo() {
        capture();
        assertThat(restore("a", "--set", "rng.src=/dev/random").path("guest").asString())
                .isEqualTo("running");
        try (var _ = machine("b", true)) {
            CommandRun unknown =
                    onRepository("restore", "web1", "--into", vm("b"), "--own-risk", "--set", "disks[0].path=/x");
            assertThat(unknown.exitCode()).isEqualTo(2);
            assertThat(unknown.err()).contains("The snapshot's configuration has no disks[0].path");
            CommandRun refused =
                    onRepository("restore", "web1", "--into", vm("b"), "--own-risk", "--set", "cpus.boot_vcpus=2");
            assertThat(refused.exitCode()).isEqualTo(3);
            assertThat(refused.err()).contains("The guest's state refers to cpus.boot_vcpus");
        }
    }

    /// And no word of damage, or of another guest's fate.
    @Test
    void aWaitingQemuIsRefusedByName() {
        capture();
        try (var waiting = BuiltinMachine.start(MachineOptions.at(temp.resolve("qemu"))
                .withName("qemu")
                .withMemory(MEMORY_BYTES)
                .incoming())) {
            CommandRun refused = onRepository("restore", "web1", "--into", "qemu:" + temp.resolve("qemu"), "--quiet");
            assertThat(refused.err()).isEqualTo("""
                    dray: The snapshot is of a guest of cloud-hypervisor, not of QEMU
                          Restore it into a VMM of the kind that it came from
                    """);
            assertThat(refused.exitCode()).isEqualTo(3);
            assertThat(waiting.status()).isEqualTo("inmigrate");
        }
    }

    @Test
    void aGuestThatWasNeverSentIsNotSaidToBeGone() {
        capture();
        CommandRun refused = onRepository(
                "send", "web1", "--connect", "tcp:127.0.0.1:9", "--tls-dir", temp.toString(), "--own-risk", "--json");
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.json().path("message").asString()).contains("there is no ca-cert.pem");
        assertThat(refused.json().path("guest").asString()).isEqualTo("unknown");
    }

    @Test
    void aPlaceToListenThatIsNotThereIsTheUsersToMake() {
        CommandRun failed =
                onRepository("receive", "--listen", "unix:" + temp.resolve("none/m"), "--name", "web1", "--quiet");
        assertThat(failed.exitCode()).isEqualTo(1);
        assertThat(failed.err()).contains("ENOENT\n      Make the directory of the socket first\n");
    }

    @Test
    void guestsOfThoseWhoDriveTheVmmAreReceivedAndSent() throws Exception {
        Path socket = temp.resolve("m");
        try (ExecutorService threads = Executors.newCachedThreadPool();
                var _ = machine("source", false);
                var _ = machine("target", true)) {
            Future<JsonNode> received =
                    threads.submit(() -> json("receive", "--listen", "unix:" + socket, "--name", "web1"));
            Listening.await(socket);
            assertThat(put("source", "vm.send-migration", "{\"destination_url\":\"unix:%s\",\"local\":true}", socket))
                    .startsWith("HTTP/1.1 204");
            JsonNode captured = received.get(120, TimeUnit.SECONDS);
            assertThat(captured.path("outcome").asString()).isEqualTo("captured");
            assertThat(captured.path("vmm").asString()).isEqualTo("cloud-hypervisor");
            Future<String> receiving = threads.submit(() -> put(
                    "target",
                    "vm.receive-migration",
                    "{\"receiver_url\":\"unix:%s\",\"memory_mode\":\"Postcopy\"}",
                    socket));
            JsonNode sent = json("send", "web1", "--connect", "unix:" + socket, "--lazy", "--own-risk");
            assertThat(sent.path("mode").asString()).isEqualTo("lazy");
            assertThat(sent.path("guest").asString()).isEqualTo("running");
            assertThat(receiving.get(120, TimeUnit.SECONDS)).startsWith("HTTP/1.1 204");
        }
    }

    private String put(String vm, String call, String body, Path socket) throws IOException {
        String json = body.formatted(socket);
        String request = "PUT /api/v1/" + call + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: " + json.length() + "\r\n\r\n" + json;
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(temp.resolve(vm)))) {
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
            var reader = Channels.newReader(channel, StandardCharsets.US_ASCII);
            var line = new StringBuilder();
            for (int c = reader.read(); c >= 0 && c != '\n'; c = reader.read()) {
                line.append((char) c);
            }
            return line.toString();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private void loseAllPacks() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(repository, "packs"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }
}
