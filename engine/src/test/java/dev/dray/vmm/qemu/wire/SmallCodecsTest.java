package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageKind;
import dev.dray.testbed.Gen;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Commands, return messages and multifd packets: what is written is read, and mutations are refused or read,
/// and nothing else.
class SmallCodecsTest {
    static List<Command> commands() {
        return List.of(
                new Command.OpenReturnPath(),
                new Command.Ping(0x42),
                new Command.PostcopyAdvise(0, 0),
                new Command.PostcopyAdvise(0x201000, 4096),
                new Command.PostcopyListen(),
                new Command.PostcopyRun(),
                new Command.RamDiscard("pc.ram", new long[] {0, 4096, 8192, 1L << 40}),
                new Command.Packaged(270_000),
                new Command.EnableColo(),
                new Command.PostcopyResume(),
                new Command.AskReceivedBitmap("ram0"),
                new Command.SwitchoverStart());
    }

    static List<ReturnMessage> messages() {
        return List.of(
                new ReturnMessage.Shut(5),
                new ReturnMessage.Pong(-1),
                new ReturnMessage.RequestPages("pc.ram", 1L << 40, 2 << 20),
                new ReturnMessage.RequestPages("", 4096, 4096),
                new ReturnMessage.ReceivedBitmap("ram0", new byte[128]),
                new ReturnMessage.ResumeAck(1),
                new ReturnMessage.SwitchoverAck());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void readsEveryCommandItWrites(Command command) throws PeerException {
        var bytes = new Bytes(16);
        command.write(bytes);
        StreamInput in = StreamInput.of(bytes.copy());
        assertThat(in.u8("a type")).isEqualTo(Wire.QEMU_VM_COMMAND);
        assertThat(Command.read(in)).usingRecursiveComparison().isEqualTo(command);
        assertThat(in.has(1)).isFalse();
    }

    @Test
    void commandsOfOtherLengthsAreRefused() {
        assertThatThrownBy(() -> Command.read(
                        StreamInput.of(new Bytes(16).u16(2).u16(5).u64(0).copy())))
                .hasMessage("Command PING has 5 bytes instead of 4");
        assertThatThrownBy(() ->
                        Command.read(StreamInput.of(new Bytes(16).u16(12).u16(0).copy())))
                .hasMessage("Command 12 with 0 bytes is unknown");
    }

    @ParameterizedTest
    @MethodSource("messages")
    void readsEveryReturnMessageItWrites(ReturnMessage message) throws PeerException {
        var out = new ByteArrayOutputStream();
        new ReturnPathWriter(from -> out.writeBytes(from.toArray(JAVA_BYTE))).write(message);
        var reader = new ReturnPathReader(ArraySource.of(out.toByteArray()));
        assertThat(reader.read()).usingRecursiveComparison().isEqualTo(message);
        assertThat(reader.read()).isNull();
    }

    @Test
    void returnMessagesHaveLimits() {
        byte[] huge = new Bytes(64).u16(5).u16(5).name("ram0").u64(1L << 62).copy();
        assertThatThrownBy(() -> new ReturnPathReader(ArraySource.of(huge)).read())
                .hasMessage(
                        "The bitmap of RAM block 'ram0' has 4611686018427387904 bytes; at most 268435456 in words of 8 "
                                + "are possible");
        byte[] claimed = new Bytes(64).u16(5).u16(5).name("ram0").u64(1 << 28).copy();
        assertThatThrownBy(() -> new ReturnPathReader(ArraySource.of(claimed)).read())
                .hasMessageStartingWith("The stream ended after 17 bytes, inside RECV_BITMAP");
    }

    @Test
    void mutatedReturnMessagesAreRefusedOrRead() throws PeerException {
        Gen gen = Gen.create("mutatedReturnMessagesAreRefusedOrRead");
        var out = new ByteArrayOutputStream();
        var writer = new ReturnPathWriter(from -> out.writeBytes(from.toArray(JAVA_BYTE)));
        for (ReturnMessage message : messages()) {
            writer.write(message);
        }
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = out.toByteArray();
            for (int flips = gen.between(1, 3); flips > 0; flips--) {
                bytes[gen.between(0, bytes.length - 1)] = (byte) gen.bits();
            }
            try {
                var reader = new ReturnPathReader(ArraySource.inPieces(bytes, gen));
                while (reader.read() != null) {
                    // Whatever it says, it says it in the protocol's words.
                }
            } catch (PeerException refused) {
                assertThat(refused.getMessage()).as("%s", gen).isNotEmpty();
            }
        }
    }

    private static final GuestMemoryMap MAP = new GuestMemoryMap(List.of(
            new MemoryRegion("rom", 8192, 4096, List.of()), new MemoryRegion("pc.ram", 1 << 20, 4096, List.of())));

    private static byte[] multifd(Gen gen, byte[] kinds, MemorySegment slab) throws PeerException {
        var out = new ByteArrayOutputStream();
        var writer = new MultifdWriter(from -> out.writeBytes(from.toArray(JAVA_BYTE)), 3, MAP);
        writer.hello();
        for (int i = gen.between(1, 5); i > 0; i--) {
            writer.pages(1, 0, kinds.length, slab, kinds);
            writer.sync();
        }
        return out.toByteArray();
    }

    private static RecordedMemory readMultifd(byte[] bytes, Gen gen) throws Exception {
        var memory = new RecordedMemory(gen.between(20, 200));
        memory.prepare(MAP);
        var events = new MultifdReader.Events() {
            @Override
            public MultifdReader.Memory hello(MultifdHello hello) {
                assertThat(hello.channel()).isBetween(0, 255);
                return new MultifdReader.Memory(MAP, memory);
            }

            @Override
            public void sync() {
                memory.barrier();
            }
        };
        try {
            new MultifdReader(ArraySource.inPieces(bytes, gen), events).read();
        } finally {
            assertThat(memory.batchesOut()).as("%s", gen).isZero();
        }
        return memory;
    }

    @Test
    @SuppressWarnings("EnumOrdinal") // what a PageReader gives
    void readsTheMultifdPacketsItWrites() throws Exception {
        Gen gen = Gen.create("readsTheMultifdPacketsItWrites");
        for (int i = 0; i < 50; i++) {
            var kinds = new byte[gen.between(1, MultifdWriter.PACKET_PAGES)];
            byte[] content = gen.bytes(kinds.length * 4096);
            for (int p = 0; p < kinds.length; p++) {
                kinds[p] = (byte) gen.oneOf(PageKind.values()).ordinal();
            }
            byte[] bytes = multifd(gen, kinds, MemorySegment.ofArray(content));
            RecordedMemory memory = readMultifd(bytes, gen);
            for (int p = 0; p < kinds.length; p++) {
                boolean sent = kinds[p] == PageKind.CONTENT.ordinal();
                byte[] page = sent ? java.util.Arrays.copyOfRange(content, p * 4096, p * 4096 + 4096) : new byte[4096];
                assertThat(java.util.Arrays.copyOfRange(memory.region(1), p * 4096, p * 4096 + 4096))
                        .as("%s", gen)
                        .isEqualTo(page);
            }
        }
    }

    @Test
    void mutatedMultifdPacketsAreRefusedOrRead() throws Exception {
        Gen gen = Gen.create("mutatedMultifdPacketsAreRefusedOrRead");
        byte[] sound = multifd(gen, new byte[] {1, 1, 2, 1}, MemorySegment.ofArray(new byte[4 * 4096]));
        for (int i = 0; i < 3000; i++) {
            byte[] bytes = sound.clone();
            for (int flips = gen.between(1, 3); flips > 0; flips--) {
                // Heads of packets are where things happen.
                bytes[gen.between(0, gen.chance(0.8) ? 500 : bytes.length - 1)] = (byte) gen.bits();
            }
            try {
                readMultifd(bytes, gen);
            } catch (PeerException refused) {
                assertThat(refused.getMessage()).as("%s", gen).isNotEmpty();
            }
        }
    }

    @Test
    void compressionAndDeviceStateOnFurtherConnectionsAreNamed() {
        assertThatThrownBy(() -> packet(1 << 1)).hasMessage("A multifd packet is compressed with zlib");
        assertThatThrownBy(() -> packet(2 << 1)).hasMessage("A multifd packet is compressed with zstd");
        assertThatThrownBy(() -> packet(0x40)).hasMessageStartingWith("A multifd packet holds device state");
        assertThatThrownBy(() -> packet(0x80)).hasMessage("A multifd packet has the unknown flags 0x80");
    }

    private static void packet(int flags) throws PeerException {
        MemorySegment segment = MemorySegment.ofArray(new byte[MultifdPacket.SIZE]);
        new MultifdPacket(flags, 0, 0, 0, "").write(segment, new long[0]);
        MultifdPacket.read(segment, 0, new long[MultifdPacket.PAGES_MAX]);
    }
}
