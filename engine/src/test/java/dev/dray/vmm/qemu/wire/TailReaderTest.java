package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import dev.dray.testbed.Gen;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The end of a stream that its sender does not end, and the borders of sections that do not tell their
/// lengths.
class TailReaderTest {
    private static final byte[] TIMER = StreamGrammarTest.section(3, "timer", new byte[24]);
    private static final String TIMER_LINE = "{\"name\": \"timer\", \"instance_id\": 0, \"fields\": [{\"size\": 24}]}";

    private static byte[] tail(byte[] sections, String json) {
        byte[] text = json.getBytes(StandardCharsets.US_ASCII);
        return new Bytes(64)
                .put(sections)
                .u8(0)
                .u8(6)
                .u32(text.length)
                .put(text)
                .copy();
    }

    private static TailReader.Tail read(ByteSource in, StreamForm form) throws PeerException {
        return new TailReader(new StreamInput(in), form, StreamLimits.DEFAULT, List.of(new byte[0])).read();
    }

    private static void refuses(byte[] bytes, String message) {
        assertThatThrownBy(() -> read(ArraySource.of(bytes), StreamForm.CLOSING))
                .isInstanceOf(PeerException.class)
                .hasMessage(message);
    }

    @Test
    void aSenderThatFallsSilentBehindItsDescriptionIsWhole() throws Exception {
        byte[] bytes = tail(TIMER, "{\"devices\": [" + TIMER_LINE + "]}");
        Gen gen = Gen.create("aSenderThatFallsSilentBehindItsDescriptionIsWhole");
        for (int i = 0; i < 200; i++) {
            ByteSource in = ArraySource.inPieces(bytes, gen);
            ByteSource silent = into -> {
                int count = in.read(into);
                assertThat(count).as("%s: read beyond the end", gen).isPositive();
                return count;
            };
            assertThat(read(silent, StreamForm.WAITING).devices()).as("%s", gen).isEqualTo(TIMER);
        }
    }

    @Test
    void anEndMarkInsideDeviceStateIsNoEndAlsoWhenAllItsBytesAreThere() throws Exception {
        byte[] trap = new Bytes(32).u8(0).u8(6).u32(7).u8('{').put(new byte[6]).copy();
        byte[] section = StreamGrammarTest.section(3, "timer", trap);
        byte[] bytes = tail(section, "{\"devices\": [" + TIMER_LINE.replace("24", "13") + "]}");
        // The first read ends exactly where the trap's seven bytes end.
        int trapEnd = section.length - Wire.FOOTER_BYTES;
        var position = new int[1];
        ByteSource in = into -> {
            int to = position[0] == 0 ? trapEnd : bytes.length;
            int count = to - position[0];
            MemorySegment.copy(bytes, position[0], into, ValueLayout.JAVA_BYTE, 0, count);
            position[0] = to;
            return count;
        };
        assertThat(read(in, StreamForm.WAITING).devices()).isEqualTo(section);
    }

    @Test
    void aFooterInsideDeviceStateDividesNothing() throws Exception {
        byte[] section = StreamGrammarTest.section(
                3, "timer", new Bytes(40).u8(0x7e).u32(3).put(TIMER).copy());
        int payload = 5 + TIMER.length;
        byte[] bytes = tail(section, "{\"devices\": [" + TIMER_LINE.replace("24", "" + payload) + "]}");
        List<DeviceSection> sections =
                read(ArraySource.of(bytes), StreamForm.CLOSING).sections();
        assertThat(sections).hasSize(1);
        assertThat(sections.getFirst().payloadBytes()).isEqualTo(payload);
        assertThat(sections.getFirst().bytes()).isEqualTo(section.length);
    }

    @Test
    void aDescriptionThatDisagreesIsRefused() {
        refuses(
                tail(TIMER, "{\"devices\": [" + TIMER_LINE.replace("24", "23") + "]}"),
                "The payload of device section 'timer' number 0 should have 23 bytes, but is not followed by its footer");
        refuses(
                tail(TIMER, "{\"devices\": [" + TIMER_LINE.replace("timer", "clock") + "]}"),
                "The device description lists device section 'clock' number 0, but there is 'timer' number 0");
        refuses(
                tail(TIMER, "{\"devices\": []}"),
                "The device description lists 0 devices, but behind them are 48 bytes more");
        refuses(
                tail(TIMER, "{\"devices\": [" + TIMER_LINE + "," + TIMER_LINE + "]}"),
                "The device description lists 2 devices, but there are only 1 sections");
        refuses(
                tail(new byte[] {8, 0, 2}, "{\"devices\": [" + TIMER_LINE + "]}"),
                "There is no header of device section 'timer' number 0 at offset 0 of device state");
    }

    @Test
    void sizesThatOverflowAreNoSizes() {
        String field = "{\"size\": 2147483647, \"array_len\": 2147483647}";
        String fields = field + ("," + field).repeat(4);
        refuses(
                tail(TIMER, "{\"devices\": [{\"name\": \"timer\", \"fields\": [" + fields + "]}]}"),
                "The payload of device section 'timer' number 0 should have 1152921504606846976 bytes, "
                        + "but is not followed by its footer");
    }

    @Test
    void aDescriptionThatIsNoneIsRefused() {
        refuses(tail(TIMER, "{\"devices\": 7}"), "The device description has a number as devices");
        refuses(tail(TIMER, "{\"devices\": [{\"fields\": [{\"size\": -1}]}]}"), "The device description has 'size' -1");
        refuses(tail(TIMER, "{\"devices\": oops}"), "The device description is no JSON: it goes wrong after 12 bytes");
        refuses(tail(TIMER, "{\"devices\": ["), "The device description is no JSON: it breaks off after 13 bytes");
    }

    @Test
    void aStreamWithoutADescriptionIsRefusedWithTheReason() {
        byte[] bytes = new Bytes(64).put(TIMER).u8(0).copy();
        assertThatThrownBy(() -> read(ArraySource.of(bytes), StreamForm.CLOSING))
                .isInstanceOfSatisfying(
                        PeerException.class, e -> assertThat(e.whatToDo()).contains("suppress-vmdesc=on"));
    }

    @Test
    void aStreamFullOfEndMarksIsRefusedBeforeItCostsMuch() {
        var bytes = new Bytes(64);
        while (bytes.count() < 1 << 20) {
            bytes.u8(0).u8(6).u32(8 << 20).u8('{');
        }
        refuses(bytes.copy(), "Device state has more than 4096 places that look like its end");
    }
}
