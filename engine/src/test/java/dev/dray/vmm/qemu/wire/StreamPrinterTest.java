package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.Gen;
import dev.dray.testbed.Golden;
import dev.dray.testbed.Golden.QemuStream;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

class StreamPrinterTest {
    static Stream<QemuStream> all() {
        return Golden.qemuStreams().stream();
    }

    static ObjectNode print(byte[] bytes) {
        return new StreamPrinter(ArraySource.of(bytes), StreamLimits.DEFAULT).json();
    }

    @ParameterizedTest
    @MethodSource("all")
    void printsEveryRecordedStreamToItsEnd(QemuStream golden) {
        byte[] bytes = golden.main();
        ObjectNode json = print(bytes);
        assertThat(json.path("why").asString("")).isEmpty();
        assertThat(json.path("bytes").asLong()).isEqualTo(bytes.length);
        assertThat(json.path("machine_type").asString()).isEqualTo("pc-i440fx-" + golden.version());
        String text = StreamPrinter.text(json);
        assertThat(text).contains("memory pc.ram: 4194304 bytes");
        assertThat(text.contains("command OPEN_RETURN_PATH"))
                .isEqualTo(!golden.mode().equals("background"));
        assertThat(text.lines().filter(line -> line.contains("  full  "))).hasSizeGreaterThan(30);
    }

    @Test
    void aDamagedStreamIsToldUpToTheDamage() {
        byte[] bytes = Golden.qemuStreams().getFirst().main();
        Gen gen = Gen.create("aDamagedStreamIsToldUpToTheDamage");
        for (int i = 0; i < 200; i++) {
            byte[] cut = Arrays.copyOf(bytes, gen.between(0, bytes.length - 1));
            ObjectNode json = print(cut);
            assertThat(json.path("bytes").asLong()).as("%s", gen).isLessThanOrEqualTo(cut.length);
            assertThat(StreamPrinter.text(json)).as("%s", gen).isNotEmpty();
        }
    }

    @Test
    void tellsOfAPostcopyStream() throws Exception {
        var bytes = new Bytes(256).u32(Wire.QEMU_VM_FILE_MAGIC).u32(3);
        bytes.u8(7).put(Configuration.of("pc-q35-10.0").bytes());
        for (Command command : List.of(
                new Command.OpenReturnPath(),
                new Command.PostcopyAdvise(0x201000, 4096),
                new Command.RamDiscard("ram0", new long[] {0, 4096}))) {
            command.write(bytes);
        }
        bytes.u8(1)
                .u32(1)
                .name("ram")
                .u32(0)
                .u32(4)
                .u64(0x200000 | 4)
                .name("ram0")
                .u64(0x200000)
                .u64(0x200000);
        bytes.u64(0x10).u8(0x7e).u32(1);
        new Command.Packaged(99).write(bytes);
        new Command.PostcopyListen().write(bytes);
        bytes.put(StreamGrammarTest.section(5, "timer", new byte[24]));
        new Command.PostcopyRun().write(bytes);
        bytes.u8(3)
                .u32(1)
                .u64(0x1000 | 2)
                .name("ram0")
                .u8(0)
                .u64(0x10)
                .u8(0x7e)
                .u32(1)
                .u8(0);
        ObjectNode json = print(bytes.copy());
        assertThat(json.path("why").asString("")).isEmpty();
        assertThat(StreamPrinter.text(json))
                .contains("command PACKAGED  bytes 99", "command POSTCOPY_RUN", "name timer", "payload_bytes 24")
                .contains("memory ram0: 2097152 bytes, 0 pages with contents, 1 zero pages");
    }

    @Test
    void nothingIsAlsoAStream() {
        ObjectNode json = print(new byte[0]);
        assertThat(json.path("why").asString()).isEqualTo("The stream ended after 0 bytes, inside the header");
        assertThat(json.path("stopped_at").asLong()).isZero();
    }
}
