package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

/// The recordings say what their descriptions say, so that a replay compares with the right bytes.
class ChTraceTest {
    private static final Set<String> COMMANDS = Set.of(
            "Start", "Config", "State", "Memory", "MemoryFd", "Complete", "CompletePaused", "PageFault", "response");

    static Stream<ChTrace> traces() {
        return ChTrace.all();
    }

    @ParameterizedTest
    @MethodSource("traces")
    void everyMessageHasTheLengthThatItsHeaderSays(ChTrace trace) {
        for (Event event : trace.events()) {
            if (COMMANDS.contains(event.kind())) {
                byte[] bytes = event.bytes();
                long length =
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(8);
                assertThat(length)
                        .as(event.toString())
                        .isEqualTo(
                                event.is("PageFault")
                                        ? 16
                                        : event.fields().path("length").asLong());
                boolean isAnswer = event.is("response");
                assertThat(event.payload()).as(event.toString()).hasSize(isAnswer ? 0 : (int) length);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("traces")
    void theBytesOfAllEventsAreTheBytesOfTheConnections(ChTrace trace) {
        trace.facts().path("bytes").properties().forEach(entry -> {
            int connection =
                    Integer.parseInt(entry.getKey().substring(0, entry.getKey().indexOf(' ')));
            Speaker speaker = entry.getKey().endsWith("S>D") ? Speaker.SENDER : Speaker.RECEIVER;
            List<Event> said = trace.connection(connection).stream()
                    .filter(event -> event.speaker() == speaker)
                    .toList();
            boolean isWhole =
                    said.stream().filter(event -> event.is("PageFault")).count() < 200
                            && said.stream().noneMatch(event -> event.fields().has("sha"));
            long sum = said.stream()
                    .mapToLong(event -> event.bytes().length + (event.is("Memory") ? event.memoryBytes() : 0))
                    .sum();
            if (isWhole
                    && said.stream()
                            .noneMatch(event -> event.fields().path("status").isNumber())) {
                assertThat(sum).as(entry.getKey()).isEqualTo(entry.getValue().asLong());
            }
        });
    }

    @ParameterizedTest
    @MethodSource("traces")
    void itsDocumentsAreJson(ChTrace trace) {
        var config = JsonMapper.shared().readTree(trace.config());
        assertThat(config.path("memory_manager_data").path("guest_ram_mappings").size())
                .isPositive();
        var state = JsonMapper.shared().readTree(trace.state());
        assertThat(state.path("snapshots")
                        .path("memory-manager")
                        .path("snapshot_data")
                        .path("state")
                        .isString())
                .isTrue();
    }

    @Test
    void memoryFollowsItsTableInTheTraceOfFourConnections() {
        ChTrace trace = ChTrace.of("mid-tcp-precopy-4");
        assertThat(trace.connections()).isEqualTo(5);
        assertThat(trace.connection(0)).noneMatch(event -> event.is("Memory"));
        assertThat(trace.events().stream().filter(event -> event.is("Memory")).mapToLong(Event::memoryBytes))
                .allMatch(bytes -> bytes <= 64 << 20)
                .hasSizeGreaterThan(4);
    }
}
