package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import java.io.ByteArrayOutputStream;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What the reader refuses is named, with where it was and what to do.
class StreamRefusalTest {
    private static final RamBlocks BLOCKS =
            new RamBlocks(2, new GuestMemoryMap(List.of(new MemoryRegion("ram0", 1 << 20, 4096, List.of()))));

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final StreamWriter writer = new StreamWriter(from -> out.writeBytes(from.toArray(JAVA_BYTE)));

    private void upToConfiguration() throws PeerException {
        writer.header();
        writer.configuration(Configuration.of("pc-q35-10.0"));
    }

    private void upToMemory() throws PeerException {
        upToConfiguration();
        writer.memoryStart(BLOCKS, false);
        writer.beginPart();
    }

    private PeerException refusal() throws PeerException {
        return refusal(StreamForm.CLOSING, StreamLimits.DEFAULT);
    }

    private PeerException refusal(StreamForm form, StreamLimits limits) throws PeerException {
        writer.flush();
        var memory = new RecordedMemory();
        var reader = new StreamReader(ArraySource.of(out.toByteArray()), form, limits, memory);
        PeerException refusal = catchThrowableOfType(PeerException.class, reader::read);
        assertThat(refusal).isNotNull();
        assertThat(memory.batchesOut()).isZero();
        return refusal;
    }

    private PeerException refusalOfRecord(Bytes record) throws PeerException {
        upToMemory();
        writer.raw(record.put(new byte[5000]).copy());
        return refusal();
    }

    @Test
    void memoryRecordsOfOtherKindsAreNamed() throws PeerException {
        PeerException xbzrle = refusalOfRecord(new Bytes(16).u64(0x1000 | 0x40).name("ram0"));
        assertThat(xbzrle).hasMessage("The memory record at offset 80 has XBZRLE");
        assertThat(xbzrle.whatToDo()).isEqualTo("Turn the capability xbzrle off");
    }

    @Test
    void compressedPagesAreNamed() throws PeerException {
        PeerException compressed = refusalOfRecord(new Bytes(16).u64(0x1000 | 0x100 | 0x20));
        assertThat(compressed).hasMessage("The memory record at offset 80 has CONTINUE|COMPRESS_PAGE");
        assertThat(compressed.whatToDo()).isEqualTo("Turn the capability compress off");
    }

    @Test
    void rdmaIsNamed() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(0x80))).hasMessageEndingWith("has HOOK");
    }

    @Test
    void unknownFlagsAreNamed() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(0x1000 | 0x808 | 0x400)))
                .hasMessage("The memory record at offset 80 has PAGE|0x400|0x800, which has no meaning there");
    }

    @Test
    void aPageOfNoBlockIsRefused() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(0x1000 | 0x28)))
                .hasMessage("A page at offset 80 continues a RAM block, but none was named before");
    }

    @Test
    void aPageOfAnUnknownBlockIsRefused() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(0x1000 | 8).name("ram7")))
                .hasMessage("A page at offset 80 is for RAM block 'ram7', which is not listed");
    }

    @Test
    void aPageBehindItsBlockIsRefused() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(0x100000 | 8).name("ram0")))
                .hasMessage("A page at offset 80 lies at 0x100000 of RAM block 'ram0', which has 1048576 bytes");
    }

    @Test
    void aZeroPageOfOtherBytesIsRefused() throws PeerException {
        assertThat(refusalOfRecord(new Bytes(16).u64(2).name("ram0").u8(7)))
                .hasMessage("The zero page at offset 80 is filled with 7");
    }

    @Test
    void otherIterablesAreNamed() throws PeerException {
        upToConfiguration();
        writer.raw(new Bytes(32).u8(1).u32(9).name("dirty-bitmap").u32(0).u32(1).copy());
        assertThat(refusal())
                .hasMessage("The guest has the iterable section 'dirty-bitmap', whose contents Dray does not know");
    }

    @Test
    void formsThatDrayDidNotAskForAreNamed() throws PeerException {
        var fields = new Bytes(32).u32(1).name("x-ignore-shared").copy();
        writer.header();
        writer.configuration(
                new Configuration("pc", List.of(new Configuration.Subsection(Configuration.CAPABILITIES, 1, fields))));
        PeerException refusal = refusal();
        assertThat(refusal).hasMessageContaining("the capability x-ignore-shared");
        assertThat(refusal.whatToDo()).isEqualTo("Turn the capability x-ignore-shared off");
    }

    @Test
    void unknownSubsectionsOfTheConfigurationAreNamed() throws PeerException {
        writer.header();
        writer.configuration(
                new Configuration("pc", List.of(new Configuration.Subsection("configuration/colour", 1, new byte[3]))));
        assertThat(refusal())
                .hasMessage("The configuration has the subsection 'configuration/colour', which Dray does not know");
    }

    @Test
    void aPingWithoutReturnPathIsRefused() throws PeerException {
        upToConfiguration();
        writer.command(new Command.Ping(1));
        assertThat(refusal()).hasMessage("A PING came, but no return path was opened");
    }

    @Test
    void everyLengthHasALimit() throws PeerException {
        var limits = new StreamLimits(1, 8192, 64, 64, 64, 64);
        upToConfiguration();
        writer.memoryStart(BLOCKS, false);
        assertThat(refusal(StreamForm.CLOSING, limits))
                .hasMessage("The memory layout has 1048576 bytes, more than 8192");
    }

    @Test
    void blocksAreCounted() throws PeerException {
        var two = List.of(new MemoryRegion("a", 4096, 4096, List.of()), new MemoryRegion("b", 4096, 4096, List.of()));
        upToConfiguration();
        writer.memoryStart(new RamBlocks(1, new GuestMemoryMap(two)), false);
        assertThat(refusal(StreamForm.CLOSING, new StreamLimits(1, 8192, 64, 64, 64, 64)))
                .hasMessage("There are more than 1 RAM blocks");
    }

    @Test
    void earlySectionsAreLimited() throws PeerException {
        upToConfiguration();
        writer.sections(StreamGrammarTest.section(5, "early", new byte[5000]));
        assertThat(refusal(StreamForm.CLOSING, new StreamLimits(9, 1 << 20, 64, 100, 64, 64)))
                .hasMessage("Early sections have more than 100 bytes");
    }

    @Test
    void deviceStateIsLimited() throws PeerException {
        upToMemory();
        writer.endSection();
        writer.beginEnd();
        writer.endSection();
        writer.sections(StreamGrammarTest.section(5, "large", new byte[5000]));
        assertThat(refusal(StreamForm.CLOSING, new StreamLimits(9, 1 << 20, 64, 100, 64, 64)))
                .hasMessage("Device state has more than 64 bytes");
    }

    @Test
    void aSectionWithoutItsFooterIsRefused() throws PeerException {
        upToMemory();
        writer.raw(new Bytes(16).u64(0x10).u8(0x7e).u32(3).copy());
        assertThat(refusal()).hasMessage("Section 'ram' number 2 ends with 0x7e 3 instead of its footer");
    }

    @Test
    void oldVersionsAreRefused() {
        var reader = new StreamReader(
                ArraySource.of(new Bytes(8).u32(Wire.QEMU_VM_FILE_MAGIC).u32(2).copy()),
                StreamForm.CLOSING,
                StreamLimits.DEFAULT,
                new RecordedMemory());
        assertThatThrownBy(reader::read).hasMessage("The stream has version 2 instead of 3");
    }
}
