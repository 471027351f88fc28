package dev.dray.vmm.cloudhypervisor.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The codecs against what the real Cloud Hypervisor has sent and accepted.
class MessagesTest {
    static Stream<ChTrace> traces() {
        return ChTrace.all();
    }

    @ParameterizedTest
    @MethodSource("traces")
    void readsAndWritesEveryRecordedHeader(ChTrace trace) {
        int seen = 0;
        for (Event event : trace.events()) {
            byte[] bytes = event.bytes();
            byte[] written = new byte[RequestHeader.BYTES];
            if (event.is("response")) {
                ResponseHeader response = ResponseHeader.read(MemorySegment.ofArray(bytes), 0);
                assertThat(response.status()).as("%s", event).isEqualTo(ResponseHeader.OK);
                response.write(MemorySegment.ofArray(written), 0);
            } else if (bytes.length >= RequestHeader.BYTES) {
                RequestHeader request = RequestHeader.read(MemorySegment.ofArray(bytes), 0);
                assertThat(Command.of(request.command()).map(MessagesTest::word))
                        .as("%s", event)
                        .hasValue(event.kind().toUpperCase(java.util.Locale.ROOT));
                assertThat(request.length()).as("%s", event).isEqualTo(bytes.length - RequestHeader.BYTES);
                request.write(MemorySegment.ofArray(written), 0);
            } else {
                continue;
            }
            assertThat(written).as("%s", event).isEqualTo(Arrays.copyOf(bytes, RequestHeader.BYTES));
            seen++;
        }
        assertThat(seen).isGreaterThan(4);
    }

    private static String word(Command command) {
        return command.name().replace("_", "");
    }

    @ParameterizedTest
    @MethodSource("traces")
    void knowsTheRoleOfEveryRecordedConnection(ChTrace trace) {
        for (int i = 1; i < trace.connections(); i++) {
            Event role = trace.connection(i).stream()
                    .filter(event -> event.is("role"))
                    .findFirst()
                    .orElseThrow();
            assertThat(role.bytes()).hasSize(Wire.ROLE_BYTES);
            int code = MemorySegment.ofArray(role.bytes()).get(Wire.U16, 0);
            boolean asks = trace.connection(i).stream()
                    .anyMatch(event -> event.is("PageFault") && event.speaker() == Speaker.RECEIVER);
            assertThat(Role.of(code)).hasValue(asks ? Role.FAULT : Role.PRECOPY_MEMORY);
        }
    }

    @Test
    void readsTheTablesOfAPreCopy() throws Exception {
        ChTrace trace = ChTrace.of("small-tcp-precopy-1");
        int tables = 0;
        for (Event event : trace.events()) {
            if (event.is("Memory")) {
                byte[] payload = event.payload();
                RangeTable table = new RangeTable(MemorySegment.ofArray(payload), RangeTable.count(payload.length));
                assertThat(table.ranges().stream().mapToLong(MemoryRange::bytes).sum())
                        .isEqualTo(event.memoryBytes());
                byte[] written = new byte[payload.length];
                RangeTable.write(table.ranges(), MemorySegment.ofArray(written), 0);
                assertThat(written).isEqualTo(payload);
                tables++;
            }
        }
        assertThat(tables).isPositive();
    }

    /// Cloud Hypervisor itself ends with an assertion there.
    @ParameterizedTest
    @ValueSource(longs = {1, 15, 17, -1, -16, ((long) WireLimits.TABLE_ENTRIES_MAX + 1) * 16, Long.MIN_VALUE})
    void refusesATableOfNoPossibleLength(long length) {
        assertThatThrownBy(() -> RangeTable.count(length))
                .isInstanceOf(PeerException.class)
                .hasMessageContaining(Long.toUnsignedString(length));
    }

    @Test
    void writesWhatTheProtocolPageShows() {
        byte[] bytes = new byte[32];
        MemorySegment memory = MemorySegment.ofArray(bytes);
        new RequestHeader(Command.START.code(), Wire.PROTOCOL_VERSION, 0).write(memory, 0);
        assertThat(hex(bytes, 0, 16)).isEqualTo("01000000000000000000000000000000");
        RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(memory, 0);
        new MemoryRange(0x1000, 0x1000).write(memory, 16);
        assertThat(hex(bytes, 0, 16)).isEqualTo("09000000000000001000000000000000");
        assertThat(hex(bytes, 16, 32)).isEqualTo("00100000000000000010000000000000");
        new ResponseHeader(ResponseHeader.ERROR, 0).write(memory, 16);
        assertThat(hex(bytes, 16, 32)).isEqualTo("02000000000000000000000000000000");
    }

    @Test
    void knowsNoOtherCommandsAndRoles() {
        for (int code : List.of(-1, 0, 10, 65535)) {
            assertThat(Command.of(code)).isEmpty();
        }
        for (int code : List.of(-1, 0, 3, 4)) {
            assertThat(Role.of(code)).isEmpty();
        }
        for (Command command : Command.values()) {
            assertThat(Command.of(command.code())).isEqualTo(Optional.of(command));
        }
    }

    private static String hex(byte[] bytes, int from, int to) {
        return java.util.HexFormat.of().formatHex(bytes, from, to);
    }
}
