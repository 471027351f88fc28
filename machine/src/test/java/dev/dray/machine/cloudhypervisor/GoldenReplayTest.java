package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.testbed.ChApi;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.Listening;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The built-in machine in the place of each side that was a real Cloud Hypervisor. What it says is the same byte for
/// byte, except: which memory a guest wrote, in which order pages are waited for, and in the documents the guest's
/// kernel, CPUID, clock and the state of its processor.
@Timeout(300)
class GoldenReplayTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    @TempDir
    Path directory;

    private Place place(ChTrace trace) throws Exception {
        if (!trace.name().contains("tcp")) {
            return new Place.Unix(directory.resolve("migration"));
        }
        try (var free = new ServerSocket(0)) {
            return new Place.Tcp("127.0.0.1", free.getLocalPort());
        }
    }

    private static String url(Place place) {
        return switch (place) {
            case Place.Unix(Path path) -> "unix:" + path;
            case Place.Tcp(String host, int port) -> "tcp:" + host + ":" + port;
        };
    }

    private static String order(String name) {
        String how = name.contains("postcopy")
                ? "\"memory_mode\":\"Postcopy\""
                : name.contains("local") || name.contains("preserve") ? "\"local\":true" : "\"local\":false";
        return how
                + (name.contains("preserve") ? ",\"preserve_source\":true" : "")
                + (name.contains("precopy-4") ? ",\"connections\":4" : "");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "small-snapshot-local",
                "small-snapshot-preserve",
                "small-local-ch-to-ch",
                "small-unix-precopy",
                "small-tcp-precopy-1",
                "small-tcp-precopy-1-private",
                "small-tcp-precopy-4",
                "small-unix-postcopy",
                "small-tcp-postcopy"
            })
    void theMachineSendsWhatTheRealOneSent(String name) throws Exception {
        ChTrace trace = ChTrace.of(name);
        Model model = name.contains("private") ? Model.standard().withPrivateMemory() : Model.standard();
        Place place = place(trace);
        MachineOptions options = MachineOptions.cloudHypervisor(directory.resolve("api"))
                .withMemory(64 << 20)
                .with(model)
                .with(new ProgramSettings(Workload.IDLE, Fill.MOSTLY_ZERO, 1));
        ChApi api = new ChApi(directory.resolve("api"));
        try (var machine = BuiltinMachine.start(options);
                var receiver = new ScriptedReceiver(trace, place, GoldenReplayTest::difference)) {
            var answer =
                    api.put("vm.send-migration", "{\"destination_url\":\"" + url(place) + "\"," + order(name) + "}");
            assertThat(answer).isEqualTo(new ChApi.Answer(204, ""));
            assertThat(receiver.differences()).isEmpty();
            if (name.contains("preserve")) {
                for (int i = 0; i < 12_000 && !api.state().equals("Paused"); i++) {
                    Thread.sleep(5);
                }
                assertThat(api.state()).isEqualTo("Paused");
            } else {
                assertThat(machine.ended().get(60, TimeUnit.SECONDS)).isZero();
            }
        }
    }

    /// Compares the machine's document with the recorded one.
    static String difference(Event recorded, byte[] heard) {
        return recorded.is("Config") ? config(recorded.payload(), heard) : state(recorded.payload(), heard);
    }

    private static String config(byte[] recorded, byte[] heard) {
        ObjectNode real = JSON.readTree(recorded).asObject();
        JsonNode ours = JSON.readTree(heard);
        real.set("common_cpuid", ours.path("common_cpuid"));
        real.path("vm_config").asObject().set("payload", ours.path("vm_config").path("payload"));
        String expected = JSON.writeValueAsString(real);
        String found = JSON.writeValueAsString(ours);
        return expected.equals(found) ? "" : "Config " + found + " for " + expected;
    }

    /// The order of the parts is that of a hash map.
    private static String state(byte[] recorded, byte[] heard) {
        JsonNode real = open(JSON.readTree(recorded));
        JsonNode ours = open(JSON.readTree(heard));
        for (String mine : List.of("clock", "common_cpuid")) {
            inner(real).asObject().set(mine, inner(ours).path(mine));
        }
        JsonNode realProcessor = inner(part(part(real, "cpu-manager"), "0")).path("Kvm");
        JsonNode ourProcessor = inner(part(part(ours, "cpu-manager"), "0")).path("Kvm");
        if (!names(realProcessor).equals(names(ourProcessor))) {
            return "the processor has " + names(ourProcessor) + " for " + names(realProcessor);
        }
        ourProcessor.properties().forEach(entry -> realProcessor.asObject().set(entry.getKey(), entry.getValue()));
        return real.equals(ours) ? "" : "State " + ours + " for " + real;
    }

    private static Set<String> names(JsonNode node) {
        Set<String> names = new HashSet<>();
        node.properties().forEach(entry -> names.add(entry.getKey()));
        return names;
    }

    private static JsonNode part(JsonNode parent, String name) {
        return parent.path("snapshots").path(name);
    }

    private static JsonNode inner(JsonNode part) {
        return part.path("snapshot_data").path("state");
    }

    /// Puts documents in the place of the texts that they are in.
    private static JsonNode open(JsonNode part) {
        JsonNode data = part.path("snapshot_data");
        if (data.isObject()) {
            data.asObject().set("state", JSON.readTree(data.path("state").asString("")));
        }
        part.path("snapshots").forEach(GoldenReplayTest::open);
        return part;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "small-restore-eager",
                "small-restore-eager-paused",
                "small-restore-ondemand",
                "small-local-ch-to-ch",
                "small-unix-precopy",
                "small-tcp-precopy-1",
                "small-tcp-precopy-1-private",
                "small-tcp-precopy-4",
                "mid-tcp-precopy-4",
                "small-unix-postcopy",
                "small-tcp-postcopy"
            })
    void theMachineTakesWhatTheRealOneTook(String name) throws Exception {
        ChTrace trace = ChTrace.of(name);
        Place place = place(trace);
        boolean isOnDemand = name.contains("postcopy") || name.contains("ondemand");
        ChApi api = new ChApi(directory.resolve("api"));
        try (var machine = BuiltinMachine.start(
                MachineOptions.cloudHypervisor(directory.resolve("api")).incoming())) {
            var received = api.putLater(
                    "vm.receive-migration",
                    "{\"receiver_url\":\"" + url(place) + "\",\"memory_mode\":\""
                            + (isOnDemand ? "Postcopy" : "Precopy") + "\"}");
            awaitListening(place);
            try (var sender = new ScriptedSender(trace, place)) {
                assertThat(sender.differences()).isEmpty();
                assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo(new ChApi.Answer(204, ""));
                assertThat(api.state()).isEqualTo(name.contains("paused") ? "Paused" : "Running");
                assertThat(machine.ended()).isNotDone();
                if (isOnDemand) {
                    assertThat(new HashSet<>(sender.asked())).hasSize(16384);
                    assertThat(sender.asked()).hasSize(16384);
                    List<Long> withoutGuest =
                            sender.asked().stream().filter(gpa -> gpa != 0x5000).toList();
                    assertThat(withoutGuest).isSorted();
                }
            }
        }
    }

    private static void awaitListening(Place place) throws Exception {
        switch (place) {
            case Place.Unix(Path path) -> Listening.await(path);
            case Place.Tcp(String _, int port) -> Listening.await(port);
        }
    }
}
