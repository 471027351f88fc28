package dev.dray.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.testbed.QmpClient;
import dev.dray.vmm.qemu.wire.StreamForm;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a client of QEMU's control socket sees, held against the built-in machine and against a real QEMU 10.0: the
/// same
/// texts, the same events in the same order, the same state of the guest after each.
@Timeout(300)
abstract class DialectConformance {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /// How long to wait for events that should not come.
    private static final Duration SILENCE = Duration.ofMillis(200);

    @TempDir
    Path directory;

    private @Nullable QmpClient client;

    /// Starts a machine whose guest runs.
    ///
    /// @return its control socket
    abstract Path start() throws Exception;

    abstract Path startIncoming() throws Exception;

    @BeforeEach
    void connect() throws Exception {
        client = new QmpClient(start());
        qmp().execute("migrate-set-capabilities", capability("events", true));
        qmp().execute("migrate-set-parameters", "{\"max-bandwidth\": 0, \"downtime-limit\": 2000000}");
    }

    @AfterEach
    void disconnect() throws Exception {
        qmp().close();
    }

    private QmpClient qmp() {
        return Objects.requireNonNull(client);
    }

    @Test
    void refusesInTheSameWords() {
        refuses("qmp_capabilities", "{}", "Capabilities negotiation is already complete, command ignored");
        refuses("nonsense", "{}", "The command nonsense has not been found");
        refuses("stop", "{\"a\": 1}", "Parameter 'a' is unexpected");
        refuses("migrate", "{}", "need either 'uri' or 'channels' argument");
        refuses("migrate", "{\"uri\": \"foo:bar\"}", "unknown migration protocol: foo:bar");
        refuses("migrate-incoming", "{\"uri\": \"unix:/tmp/x\"}", "'-incoming' was not specified on the command line");
        refuses(
                "migrate-set-capabilities",
                capability("nonsense", true),
                "Parameter 'capability' does not accept value 'nonsense'");
        refuses(
                "migrate-set-capabilities",
                "{\"capabilities\": [{\"capability\": \"background-snapshot\", \"state\": true},"
                        + " {\"capability\": \"return-path\", \"state\": true}]}",
                "Background-snapshot is not compatible with return-path");
        refuses(
                "migrate-set-capabilities",
                "{\"capabilities\": [{\"capability\": \"background-snapshot\", \"state\": true},"
                        + " {\"capability\": \"multifd\", \"state\": true}]}",
                "Background-snapshot is not compatible with multifd");
        refuses(
                "migrate-set-parameters",
                "{\"downtime-limit\": 3000000}",
                "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms");
        refuses("migrate-set-parameters", "{\"nonsense\": 3}", "Parameter 'nonsense' is unexpected");
        refuses(
                "migrate-set-parameters",
                "{\"multifd-channels\": 0}",
                "Parameter 'multifd_channels' expects a value between 1 and 255");
        refuses("migrate-continue", "{\"state\": \"pre-switchover\"}", "Migration not in expected state: none");
    }

    @Test
    void knowsTheSameCapabilitiesAndParameters() throws Exception {
        List<String> names = new ArrayList<>();
        qmp().execute("query-migrate-capabilities")
                .forEach(each -> names.add(each.path("capability").asString()));
        assertThat(names)
                .containsExactly(
                        "xbzrle",
                        "rdma-pin-all",
                        "auto-converge",
                        "zero-blocks",
                        "events",
                        "postcopy-ram",
                        "x-colo",
                        "release-ram",
                        "return-path",
                        "pause-before-switchover",
                        "multifd",
                        "dirty-bitmaps",
                        "postcopy-blocktime",
                        "late-block-activate",
                        "x-ignore-shared",
                        "validate-uuid",
                        "background-snapshot",
                        "zero-copy-send",
                        "postcopy-preempt",
                        "switchover-ack",
                        "dirty-limit",
                        "mapped-ram");
        JsonNode parameters = qmp().execute("query-migrate-parameters");
        assertThat(parameters.properties()).hasSize(28);
        assertThat(parameters.path("downtime-limit").asInt()).isEqualTo(2_000_000);
        assertThat(parameters.path("mode").asString()).isEqualTo("normal");
    }

    @Test
    void tellsOfStopsAndStartsOnce() throws Exception {
        qmp().execute("stop");
        qmp().execute("stop");
        qmp().execute("cont");
        qmp().execute("cont");
        events("STOP", "RESUME");
    }

    @Test
    void aMigrationThatIsTakenEndsTheGuest() throws Exception {
        try (Sink sink = migrateTo(StreamForm.CLOSING, true)) {
            sink.whole();
            events("setup", "active", "STOP", "device", "completed");
            status("postmigrate", "completed");
            qmp().execute("cont");
            status("running", "completed");
        }
    }

    @Test
    void aDestinationThatHangsUpGivesTheGuestBack() throws Exception {
        set("return-path", true);
        try (Sink sink = migrateTo(StreamForm.WAITING, true)) {
            assertThatThrownBy(() -> qmp().execute("migrate", uri()))
                    .hasMessageContaining("There's a migration process in progress");
            assertThatThrownBy(() -> set("return-path", false))
                    .hasMessageContaining("There's a migration process in progress");
            sink.whole();
            await("device");
            status("finish-migrate", "device");
            assertThatThrownBy(() -> qmp().execute("cont")).hasMessageContaining("Migration is not finalized yet");
        }
        events("failed", "RESUME");
        status("running", "failed", "Channel error: Input/output error");
    }

    @Test
    void aDestinationThatRefusesGivesTheGuestBack() throws Exception {
        set("return-path", true);
        try (Sink sink = migrateTo(StreamForm.WAITING, true)) {
            sink.whole();
            sink.answer(5);
            events("setup", "active", "STOP", "device", "failed", "RESUME");
            status("running", "failed", "Sibling indicated error 5");
        }
    }

    @Test
    void aDestinationThatAcceptsEndsTheGuest() throws Exception {
        set("return-path", true);
        try (Sink sink = migrateTo(StreamForm.WAITING, true)) {
            sink.whole();
            await("device");
            sink.answer(0);
            events("completed");
            status("postmigrate", "completed");
        }
    }

    @Test
    void aStandingGuestStandsAgainWhenItsMigrationFails() throws Exception {
        set("return-path", true);
        qmp().execute("stop");
        try (Sink sink = migrateTo(StreamForm.WAITING, true)) {
            sink.whole();
        }
        events("STOP", "setup", "active", "device", "failed");
        status("paused", "failed", "Channel error: Input/output error");
    }

    /// Two threads of QEMU's race for what to call it.
    @Test
    void cancellingAfterTheGuestWasStoppedGivesItBack() throws Exception {
        set("return-path", true);
        try (Sink sink = migrateTo(StreamForm.WAITING, true)) {
            sink.whole();
            await("device");
            qmp().execute("migrate_cancel");
            List<String> seen = await("RESUME");
            while (seen.stream().noneMatch(List.of("failed", "cancelled")::contains)) {
                seen.add(next());
            }
            awaitGuest("running");
        }
    }

    @Test
    void cancellingBeforeThatEndsTheMigrationOnly() throws Exception {
        qmp().execute("migrate-set-parameters", "{\"max-bandwidth\": 1000000, \"downtime-limit\": 1}");
        try (Sink _ = migrateTo(StreamForm.CLOSING, true)) {
            await("active");
            qmp().execute("migrate_cancel");
            events("cancelling", "cancelled");
            status("running", "cancelled");
        }
    }

    @Test
    void aBrokenConnectionIsAFailure() throws Exception {
        try (Sink sink = migrateTo(StreamForm.CLOSING, false)) {
            await("active");
            sink.awaitConnection();
        }
        events("failed");
        status("running", "failed");
    }

    @Test
    void aBackgroundSnapshotLetsTheGuestRunOn() throws Exception {
        set("background-snapshot", true);
        try (Sink sink = migrateTo(StreamForm.BACKGROUND, true)) {
            sink.whole();
            events("setup", "active", "STOP", "RESUME", "completed");
            status("running", "completed");
        }
    }

    @Test
    void aBackgroundSnapshotOfAStandingGuestDoesNotStartIt() throws Exception {
        set("background-snapshot", true);
        qmp().execute("stop");
        try (Sink sink = migrateTo(StreamForm.BACKGROUND, true)) {
            sink.whole();
            events("STOP", "setup", "active", "completed");
            status("paused", "completed");
        }
    }

    @Test
    void aBackgroundSnapshotThatBreaksLetsTheGuestRunOn() throws Exception {
        set("background-snapshot", true);
        try (Sink sink = migrateTo(StreamForm.BACKGROUND, false)) {
            sink.awaitConnection();
            assertThat(await("RESUME")).containsExactly("setup", "active", "STOP", "RESUME");
            status("running", "active");
        }
        events("failed");
        status("running", "failed");
    }

    @Test
    void aMachineThatWaitsTakesOneGuest() throws Exception {
        qmp().close();
        client = new QmpClient(startIncoming());
        qmp().execute("migrate-set-capabilities", capability("events", true));
        status("inmigrate", "");
        refuses("migrate", uri(), "Guest is waiting for an incoming migration");
        qmp().execute("migrate-incoming", "{\"uri\": \"unix:" + socket() + "\", \"exit-on-error\": false}");
        refuses("migrate-incoming", uri(), "The incoming migration has already been started");
        status("inmigrate", "setup");
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
            channel.write(ByteBuffer.wrap(new byte[] {'Q', 'E', 'V', 'M', 0, 0, 0, 3}));
        }
        events("setup", "active", "failed");
        assertThat(qmp().execute("query-migrate").path("error-desc").asString())
                .startsWith("load of migration failed: ");
        status("inmigrate", "failed");
        refuses("migrate-incoming", uri(), "The incoming migration has already been started");
    }

    private Sink migrateTo(StreamForm form, boolean reads) throws Exception {
        Sink sink = new Sink(socket(), form, reads);
        qmp().execute("migrate", uri());
        return sink;
    }

    private Path socket() {
        return directory.resolve("stream");
    }

    private String uri() {
        return "{\"uri\": \"unix:" + socket() + "\"}";
    }

    private void set(String name, boolean state) throws IOException {
        qmp().execute("migrate-set-capabilities", capability(name, state));
    }

    private static String capability(String name, boolean state) {
        return "{\"capabilities\": [{\"capability\": \"" + name + "\", \"state\": " + state + "}]}";
    }

    private void refuses(String command, String arguments, String words) {
        assertThatThrownBy(() -> qmp().execute(command, arguments)).satisfies(e -> {
            String message = String.valueOf(e.getMessage());
            JsonNode answer = JsonMapper.shared().readTree(message.substring(message.indexOf("{\"error\"")));
            assertThat(answer.path("error").path("desc").asString()).isEqualTo(words);
        });
    }

    private void status(String guest, String migration, String... reason) throws Exception {
        awaitGuest(guest);
        JsonNode answer = qmp().execute("query-migrate");
        assertThat(answer.path("status").asString("")).isEqualTo(migration);
        for (String each : reason) {
            assertThat(answer.path("error-desc").asString()).isEqualTo(each);
        }
    }

    /// A migration's end may be told a moment before its guest is what it is from then on.
    private void awaitGuest(String status) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        String now = guest();
        while (!now.equals(status) && System.nanoTime() - end < 0) {
            Thread.sleep(5);
            now = guest();
        }
        assertThat(now).isEqualTo(status);
    }

    private String guest() throws IOException {
        return qmp().execute("query-status").path("status").asString();
    }

    /// Migration statuses and other events up to this one.
    private List<String> await(String last) throws Exception {
        List<String> seen = new ArrayList<>();
        while (!seen.contains(last)) {
            seen.add(next());
        }
        return seen;
    }

    /// These migration statuses and other events come next, and then all is quiet.
    private void events(String... expected) throws Exception {
        List<String> seen = new ArrayList<>();
        while (seen.size() < expected.length) {
            String next = next(PATIENCE);
            assertThat(next).as("an event after %s", seen).isNotEmpty();
            seen.add(next);
        }
        for (String next = next(SILENCE); !next.isEmpty(); next = next(SILENCE)) {
            seen.add(next);
        }
        assertThat(seen).containsExactly(expected);
    }

    private String next() throws Exception {
        String next = next(PATIENCE);
        assertThat(next).as("an event").isNotEmpty();
        return next;
    }

    /// The next event's name, or the status that a migration event tells; empty if none comes.
    private String next(Duration wait) throws Exception {
        JsonNode event = qmp().event(wait);
        if (event == null) {
            return "";
        }
        String name = event.path("event").asString("");
        return switch (name) {
            case "MIGRATION" -> event.path("data").path("status").asString();
            case "MIGRATION_PASS" -> next(wait);
            default -> name;
        };
    }
}
