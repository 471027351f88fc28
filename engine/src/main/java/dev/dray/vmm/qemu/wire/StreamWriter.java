package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Writes a stream as its source: a snapshot into a VMM, or the built-in machine's own state. Small items are
/// gathered in a buffer; [#flush()] sends it. Belongs to one thread. The order of the calls is the caller's
/// matter; see [StreamReader] for the grammar.
public final class StreamWriter {
    private static final int BUFFER_BYTES = 256 << 10;
    private static final int PAGE_CONTINUE = RamRecord.PAGE_CONTINUE;

    @SuppressWarnings("EnumOrdinal") // what [dev.dray.page.PageReader] gives
    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    @SuppressWarnings("EnumOrdinal")
    private static final byte ZERO = (byte) PageKind.ZERO.ordinal();

    private final ByteSink out;
    private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES);
    private long gathered;
    private @Nullable RamBlocks blocks;
    private boolean inSection;
    private int region = -1;

    public StreamWriter(ByteSink out) {
        this.out = out;
    }

    public void header() throws PeerException {
        put(new Bytes(8).u32(Wire.QEMU_VM_FILE_MAGIC).u32(Wire.QEMU_VM_FILE_VERSION));
    }

    public void configuration(Configuration configuration) throws PeerException {
        put(new Bytes(64).u8(Wire.QEMU_VM_CONFIGURATION).put(configuration.bytes()));
    }

    public void command(Command command) throws PeerException {
        Bytes bytes = new Bytes(16);
        command.write(bytes);
        put(bytes);
    }

    /// A whole `START` section. With `multifdFlush` it holds the first barrier as a record of its own.
    public void memoryStart(RamBlocks layout, boolean multifdFlush) throws PeerException {
        blocks = layout;
        Bytes bytes = new Bytes(256).u8(Wire.QEMU_VM_SECTION_START).u32(layout.sectionId());
        bytes.name(Wire.RAM_NAME).u32(0).u32(Wire.RAM_VERSION);
        layout.write(bytes);
        put(bytes);
        inSection = true;
        if (multifdFlush) {
            multifdFlush();
        }
        endSection();
    }

    /// `FULL` sections, byte for byte: [CapturedStream#setupSections] before [#memoryStart],
    /// [CapturedStream#earlySections] after it, [CapturedStream#deviceSections] after memory.
    public void sections(byte[] sections) throws PeerException {
        put(sections, sections.length);
    }

    /// Begins a `PART` section; records follow, then [#endSection()].
    public void beginPart() throws PeerException {
        begin(Wire.QEMU_VM_SECTION_PART);
    }

    /// Begins the `END` section; records follow, then [#endSection()].
    public void beginEnd() throws PeerException {
        begin(Wire.QEMU_VM_SECTION_END);
    }

    private void begin(int type) throws PeerException {
        if (inSection) {
            throw new IllegalStateException("a memory section inside a memory section");
        }
        inSection = true;
        put(new Bytes(8).u8(type).u32(layout().sectionId()));
    }

    /// Ends the memory section that was begun.
    public void endSection() throws PeerException {
        records();
        put(new Bytes(16)
                .u64(Wire.RAM_SAVE_FLAG_EOS)
                .u8(Wire.QEMU_VM_SECTION_FOOTER)
                .u32(layout().sectionId()));
        inSection = false;
    }

    /// One page of 4096 bytes, copied.
    public void page(int index, long page, MemorySegment content) throws PeerException {
        record(index, page, Wire.RAM_SAVE_FLAG_PAGE);
        room(PageSize.BYTES);
        MemorySegment.copy(content, 0, buffer, gathered, PageSize.BYTES);
        gathered += PageSize.BYTES;
    }

    public void zeroPage(int index, long page) throws PeerException {
        record(index, page, Wire.RAM_SAVE_FLAG_ZERO);
        room(1);
        buffer.set(JAVA_BYTE, gathered++, (byte) 0);
    }

    /// Those of the pages `first` … `first + count - 1` whose kind is `CONTENT`. Page `first + i` lies at
    /// `slab[i * RECORD_BYTES + RECORD_HEAD_BYTES]`; the heads between them are written by this method and runs
    /// of pages are sent from where they lie. Zero pages become records only if `sendZeros`.
    ///
    /// @param kinds ordinals of [PageKind]
    public void pages(int index, long first, int count, MemorySegment slab, byte[] kinds, boolean sendZeros)
            throws PeerException {
        int i = 0;
        while (i < count) {
            if (kinds[i] != CONTENT) {
                if (sendZeros && kinds[i] == ZERO) {
                    zeroPage(index, first + i);
                }
                i++;
            } else if (index != region) {
                page(index, first + i, slab.asSlice((long) i * Wire.RECORD_BYTES + Wire.RECORD_HEAD_BYTES));
                i++;
            } else {
                i = run(first, i, count, slab, kinds);
            }
        }
    }

    /// Sends the run of content pages that begins at `start`; returns the index behind it.
    private int run(long first, int start, int count, MemorySegment slab, byte[] kinds) throws PeerException {
        records();
        int end = start;
        while (end < count && kinds[end] == CONTENT) {
            slab.set(Wire.U64, (long) end * Wire.RECORD_BYTES, PageSize.offset(first + end) | PAGE_CONTINUE);
            end++;
        }
        long from = (long) start * Wire.RECORD_BYTES;
        long bytes = (long) (end - start) * Wire.RECORD_BYTES;
        if (bytes <= BUFFER_BYTES / 8) {
            // Short runs between zero pages are gathered: a copy is cheaper than a system call each.
            room((int) bytes);
            MemorySegment.copy(slab, from, buffer, gathered, bytes);
            gathered += bytes;
        } else {
            flush();
            out.write(slab.asSlice(from, bytes));
        }
        return end;
    }

    /// A multifd barrier for machine types after 8.0, as a record inside a memory section. The destination's further
    /// connections wait there for the main one: [#flush()] it before waiting for them.
    public void multifdFlush() throws PeerException {
        records();
        room(Wire.RECORD_HEAD_BYTES);
        buffer.set(Wire.U64, gathered, Wire.RAM_SAVE_FLAG_MULTIFD_FLUSH);
        gathered += Wire.RECORD_HEAD_BYTES;
    }

    /// The end mark behind the device sections.
    public void endOfSections() throws PeerException {
        put(new Bytes(1).u8(Wire.QEMU_VM_EOF));
    }

    /// The JSON description, the last part of a pre-copy stream.
    public void description(byte[] json) throws PeerException {
        put(new Bytes(8).u8(Wire.QEMU_VM_VMDESCRIPTION).u32(json.length));
        put(json, json.length);
    }

    /// Any bytes: what no rule covers, such as a fault that a test wants on the wire.
    public void raw(byte[] bytes) throws PeerException {
        put(bytes, bytes.length);
    }

    /// Sends what is gathered.
    public void flush() throws PeerException {
        if (gathered > 0) {
            out.write(buffer.asSlice(0, gathered));
            gathered = 0;
        }
    }

    private void record(int index, long page, int kind) throws PeerException {
        records();
        room(Wire.RECORD_HEAD_BYTES);
        boolean goesOn = index == region;
        buffer.set(Wire.U64, gathered, PageSize.offset(page) | kind | (goesOn ? Wire.RAM_SAVE_FLAG_CONTINUE : 0));
        gathered += Wire.RECORD_HEAD_BYTES;
        if (!goesOn) {
            put(new Bytes(64).name(layout().map().regions().get(index).name()));
            region = index;
        }
    }

    private void records() {
        if (!inSection) {
            throw new IllegalStateException("a memory record outside of a memory section");
        }
    }

    private RamBlocks layout() {
        if (blocks == null) {
            throw new IllegalStateException("a memory section before the memory layout");
        }
        return blocks;
    }

    private void room(int bytes) throws PeerException {
        if (BUFFER_BYTES - gathered < bytes) {
            flush();
        }
    }

    private void put(Bytes bytes) throws PeerException {
        put(bytes.array(), bytes.count());
    }

    private void put(byte[] bytes, int count) throws PeerException {
        for (int done = 0; done < count; ) {
            room(1);
            int part = (int) Math.min(count - done, BUFFER_BYTES - gathered);
            MemorySegment.copy(bytes, done, buffer, JAVA_BYTE, gathered, part);
            gathered += part;
            done += part;
        }
    }
}
