package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.Captured;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.Receive;
import dev.dray.Restored;
import dev.dray.Route;
import dev.dray.Send;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Dray in the place of the other side of each recorded migration. What it says is the same byte for byte, except: in
/// which pieces it asks for memory, and in a Config the key that announces on-demand memory.
@Timeout(120)
class DrayReplayTest {
    private static Place place(House house, ChTrace trace) throws Exception {
        if (!trace.name().contains("tcp")) {
            return new Place.Unix(house.directory().resolve("migration"));
        }
        try (var free = new ServerSocket(0)) {
            return new Place.Tcp("127.0.0.1", free.getLocalPort());
        }
    }

    private static Route route(Place place) {
        return switch (place) {
            case Place.Unix unix -> Route.of("unix:" + unix.path());
            case Place.Tcp tcp -> new Route("tcp:" + tcp.host() + ":" + tcp.port(), Optional.empty(), true);
        };
    }

    private static Captured receives(House house, ChTrace trace) throws Exception {
        Place place = place(house, trace);
        CompletableFuture<Captured> captured = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                captured.complete(
                        Receive.of(route(place), house.access(), House.GUEST).run(new House.Watch()));
            } catch (OperationException | RuntimeException e) {
                captured.completeExceptionally(e);
            }
        });
        try (var sender = new ScriptedSender(trace, place, true)) {
            Captured received = captured.get(60, TimeUnit.SECONDS);
            assertThat(sender.differences()).isEmpty();
            return received;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "small-snapshot-local",
                "small-snapshot-preserve",
                "small-local-ch-to-ch",
                "small-restore-eager",
                "small-restore-eager-paused",
                "small-unix-precopy",
                "small-tcp-precopy-1",
                "small-tcp-precopy-1-private",
                "small-tcp-precopy-4",
                "mid-tcp-precopy-4",
                "small-unix-postcopy",
                "small-tcp-postcopy"
            })
    void drayReceivesWhatTheRealOneSent(String name) throws Exception {
        try (var house = House.open()) {
            Captured captured = receives(house, ChTrace.of(name));
            assertThat(captured.memoryBytes()).isEqualTo(name.startsWith("mid") ? 512L << 20 : 64 << 20);
            assertThat(house.listed()).containsExactly(1L);
            house.verifies();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "small-snapshot-local, small-restore-eager",
        "small-restore-eager-paused, small-restore-eager-paused",
        "small-tcp-precopy-1-private, small-tcp-precopy-4",
    })
    void drayGivesBackWhatItReceived(String from, String to) throws Exception {
        ChTrace given = ChTrace.of(from);
        ChTrace taken = ChTrace.of(to);
        try (var house = House.open()) {
            receives(house, given);
            Place place = place(house, taken);
            if (place instanceof Place.Unix(var path)) {
                Files.deleteIfExists(path);
            }
            try (var receiver = new ScriptedReceiver(taken, place, (event, heard) -> verbatim(given, event, heard))) {
                Restored restored =
                        send(house, place, to.contains("precopy-4") ? 4 : 1).run(new House.Watch());
                assertThat(restored.guest()).isEqualTo(to.contains("paused") ? GuestFate.PAUSED : GuestFate.RUNNING);
                assertThat(receiver.differences()).isEmpty();
            }
        }
    }

    private static Send send(House house, Place place, int connections) {
        Send standard = Send.of(House.GUEST, house.access(), route(place));
        return new Send(
                standard.snapshot(),
                standard.repository(),
                standard.route(),
                standard.paused(),
                connections,
                standard.disks(),
                standard.memory(),
                standard.settings(),
                standard.copy(),
                true);
    }

    /// Documents come out as they went in, whoever takes them.
    private static String verbatim(ChTrace given, Event event, byte[] heard) {
        byte[] document = given.first(event.kind()).payload();
        return Arrays.equals(document, heard) ? "" : event.kind() + " " + new String(heard, StandardCharsets.UTF_8);
    }

    /// The recorded receiver ends after its first two hundred pages, 1.6 s later; here, once all are in their places.
    @ParameterizedTest
    @ValueSource(strings = {"small-restore-ondemand"})
    void drayServesPagesAsTheDaemonDid(String name) throws Exception {
        ChTrace trace = ChTrace.of(name);
        ChTrace given = ChTrace.of("small-restore-eager");
        try (var house = House.open()) {
            receives(house, given);
            Place place = new Place.Unix(house.directory().resolve("restore"));
            Send eager = send(house, place, 1);
            Send lazy = new Send(
                    eager.snapshot(),
                    eager.repository(),
                    eager.route(),
                    false,
                    1,
                    eager.disks(),
                    House.lazy(),
                    eager.settings(),
                    eager.copy(),
                    true);
            var watch = new House.Watch();
            try (var receiver = new ScriptedReceiver(
                    trace, place, (event, heard) -> lazily(given, event, heard), watch::awaitAllDone)) {
                Restored restored = lazy.run(watch);
                assertThat(restored.guest()).isEqualTo(GuestFate.RUNNING);
                assertThat(receiver.differences()).isEmpty();
            }
        }
    }

    private static String lazily(ChTrace given, Event event, byte[] heard) {
        String text = new String(heard, StandardCharsets.UTF_8);
        String without = text.replaceFirst(",?\"memory_mode\":\"Postcopy\",?", "");
        return verbatim(given, event, without.getBytes(StandardCharsets.UTF_8));
    }
}
