package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.vmm.qemu.wire.StreamGrammar.Item;
import dev.dray.vmm.qemu.wire.StreamGrammar.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Walks all pairs of state and item: as a table, and as bytes through the reader.
class StreamGrammarTest {
    private static final RamBlocks BLOCKS =
            new RamBlocks(2, new GuestMemoryMap(List.of(new MemoryRegion("ram0", 1 << 20, 4096, List.of()))));

    /// Every arrow there is; pairs that are not here are refused.
    private static final String ARROWS = """
            NOTHING + HEADER -> HEADER
            HEADER + CONFIGURATION -> CONFIGURATION
            CONFIGURATION + MEMORY_START -> LAYOUT
            CONFIGURATION + FULL -> CONFIGURATION
            CONFIGURATION + OPEN_RETURN_PATH -> CONFIGURATION
            CONFIGURATION + PING -> CONFIGURATION
            LAYOUT + MEMORY_PART -> MEMORY
            LAYOUT + MEMORY_END -> MEMORY_ENDED (only if memory ends)
            LAYOUT + FULL -> LAYOUT
            LAYOUT + PING -> LAYOUT
            LAYOUT + SWITCHOVER_START -> LAYOUT
            MEMORY + MEMORY_PART -> MEMORY
            MEMORY + MEMORY_END -> MEMORY_ENDED (only if memory ends)
            MEMORY + FULL -> DEVICES (only if memory has no end)
            MEMORY + PING -> MEMORY
            MEMORY + SWITCHOVER_START -> MEMORY
            MEMORY_ENDED + FULL -> DEVICES
            MEMORY_ENDED + PING -> MEMORY_ENDED
            MEMORY_ENDED + SWITCHOVER_START -> MEMORY_ENDED
            DEVICES + FULL -> DEVICES
            DEVICES + END_MARK -> SECTIONS_ENDED
            SECTIONS_ENDED + DESCRIPTION -> WHOLE
            """;

    @Test
    void theArrowsAreTheseAndNoOthers() {
        var arrows = new StringBuilder();
        for (State state : State.values()) {
            for (Item item : Item.values()) {
                State ended = StreamGrammar.next(state, item, true);
                State endless = StreamGrammar.next(state, item, false);
                String when = ended == endless
                        ? ""
                        : endless == null ? " (only if memory ends)" : " (only if memory has no end)";
                State next = ended != null ? ended : endless;
                if (next != null) {
                    arrows.append(state + " + " + item + " -> " + next + when + "\n");
                }
            }
        }
        assertThat(arrows).hasToString(ARROWS);
    }

    @Test
    void theDocumentHasTheSameArrows() throws IOException {
        String document = Files.readString(Path.of("../docs/internals/qemu-stream.md"));
        assertThat(document).contains("\n\n" + ARROWS.indent(4) + "\n");
    }

    /// The bytes that bring a reader into each state in which it takes item by item. From DEVICES on the
    /// bytes are opaque until the description tells their borders; [TailReaderTest] has that part.
    private static Map<State, List<Item>> ways() {
        return Map.of(
                State.NOTHING, List.of(),
                State.HEADER, List.of(Item.HEADER),
                State.CONFIGURATION, List.of(Item.HEADER, Item.CONFIGURATION, Item.OPEN_RETURN_PATH),
                State.LAYOUT, List.of(Item.HEADER, Item.CONFIGURATION, Item.OPEN_RETURN_PATH, Item.MEMORY_START),
                State.MEMORY,
                        List.of(
                                Item.HEADER,
                                Item.CONFIGURATION,
                                Item.OPEN_RETURN_PATH,
                                Item.MEMORY_START,
                                Item.MEMORY_PART),
                State.MEMORY_ENDED,
                        List.of(
                                Item.HEADER,
                                Item.CONFIGURATION,
                                Item.OPEN_RETURN_PATH,
                                Item.MEMORY_START,
                                Item.MEMORY_PART,
                                Item.MEMORY_END));
    }

    @Test
    void theReaderRefusesEveryOtherPairWhereItStands() throws Exception {
        var walked = new ArrayList<String>();
        for (boolean memoryEnds : new boolean[] {true, false}) {
            for (Map.Entry<State, List<Item>> way : ways().entrySet()) {
                if (way.getKey() == State.MEMORY_ENDED && !memoryEnds) {
                    continue;
                }
                for (Item item : Item.values()) {
                    walked.add(way.getKey() + " " + item);
                    check(way.getValue(), way.getKey(), item, memoryEnds);
                }
            }
        }
        assertThat(walked).hasSize((6 + 5) * Item.values().length);
    }

    private static void check(List<Item> way, State state, Item item, boolean memoryEnds) throws Exception {
        var bytes = new Bytes(256);
        for (Item before : way) {
            bytes.put(bytes(before));
        }
        int at = bytes.count();
        bytes.put(bytes(item));
        var memory = new RecordedMemory();
        var form = new StreamForm(memoryEnds, true, false);
        var reader = new StreamReader(ArraySource.of(bytes.copy()), form, StreamLimits.DEFAULT, memory);
        Throwable failure = catchThrowable(reader::read);
        String pair = state + " + " + item + ", memoryEnds " + memoryEnds;
        assertThat(failure).as(pair).isInstanceOf(PeerException.class);
        assertThat(memory.batchesOut()).as(pair).isZero();
        boolean ended =
                String.valueOf(failure.getMessage()).startsWith("The stream ended after " + bytes.count() + " bytes");
        if (StreamGrammar.next(state, item, memoryEnds) != null) {
            assertThat(ended).as("%s is read: %s", pair, failure).isTrue();
        } else if (state == State.NOTHING && bytes.count() < 4) {
            assertThat(ended).as(pair).isTrue();
        } else if (state == State.NOTHING) {
            assertThat(failure).as(pair).hasMessageContaining("instead of 'QEVM'");
        } else if (item == Item.HEADER) {
            assertThat(failure).as(pair).hasMessage("Item type 0x51 at offset " + at + " is unknown");
        } else if (item == Item.OTHER_COMMAND) {
            assertThat(failure).as(pair).hasMessage("The command POSTCOPY_LISTEN came " + state.words());
        } else {
            assertThat(failure).as(pair).hasMessageContaining(item.words().substring(1) + " came " + state.words());
        }
    }

    private static byte[] bytes(Item item) throws PeerException {
        var written = new ArrayList<byte[]>();
        var w = new StreamWriter(from -> written.add(from.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)));
        var inPart = new Bytes(64);
        switch (item) {
            case HEADER -> w.header();
            case CONFIGURATION -> w.configuration(Configuration.of("pc-q35-10.0"));
            case MEMORY_START -> w.memoryStart(BLOCKS, false);
            case MEMORY_PART ->
                inPart.u8(2)
                        .u32(2)
                        .u64(0x1000 | 2)
                        .name("ram0")
                        .u8(0)
                        .u64(0x10)
                        .u8(0x7e)
                        .u32(2);
            case MEMORY_END -> inPart.u8(3).u32(2).u64(0x10).u8(0x7e).u32(2);
            case FULL -> inPart.put(section(7, "timer", new byte[] {1, 2, 3})).put(new byte[0]);
            case OPEN_RETURN_PATH -> w.command(new Command.OpenReturnPath());
            case PING -> w.command(new Command.Ping(1));
            case SWITCHOVER_START -> w.command(new Command.SwitchoverStart());
            case OTHER_COMMAND -> w.command(new Command.PostcopyListen());
            case END_MARK -> w.endOfSections();
            case DESCRIPTION -> w.description("{}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        w.raw(inPart.copy());
        w.flush();
        return written.getFirst();
    }

    static byte[] section(int id, String name, byte[] payload) {
        return new Bytes(64)
                .u8(4)
                .u32(id)
                .name(name)
                .u32(0)
                .u32(1)
                .put(payload)
                .u8(0x7e)
                .u32(id)
                .copy();
    }
}
