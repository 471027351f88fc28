package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;

/// Writes a stream as its source: a snapshot into a VMM, or the built-in machine's own state. Small items are
/// gathered in a buffer; [#flush()] sends it. Belongs to one thread.
@SuppressWarnings("DoNotCallSuggester") // bodies follow
public final class StreamWriter {
    public StreamWriter(ByteSink out) {
        throw new IllegalStateException("not yet " + out);
    }

    public void header() throws PeerException {}

    public void configuration(Configuration configuration) throws PeerException {}

    public void command(Command command) throws PeerException {}

    /// A whole `START` section. With `multifdFlush` it holds the first barrier as a record of its own.
    public void memoryStart(RamBlocks blocks, boolean multifdFlush) throws PeerException {}

    /// `FULL` sections, byte for byte: early ones after [#memoryStart], device sections after memory.
    public void sections(byte[] sections) throws PeerException {}

    /// Begins a `PART` section; records follow, then [#endSection()].
    public void beginPart() throws PeerException {}

    /// Begins the `END` section; records follow, then [#endSection()].
    public void beginEnd() throws PeerException {}

    /// Ends the memory section that was begun.
    public void endSection() throws PeerException {}

    /// One page of 4096 bytes, copied.
    public void page(int region, long page, MemorySegment content) throws PeerException {}

    public void zeroPage(int region, long page) throws PeerException {}

    /// Those of the pages `first` … `first + count - 1` whose kind is `CONTENT`. Page `first + i` lies at
    /// `slab[i * RECORD_BYTES + RECORD_HEAD_BYTES]`; the heads between them are written by this method and the
    /// runs are sent from where they lie. Zero pages are sent as records only if `sendZeros`.
    ///
    /// @param kinds ordinals of [dev.dray.memory.PageKind]
    public void pages(int region, long first, int count, MemorySegment slab, byte[] kinds, boolean sendZeros)
            throws PeerException {}

    /// A multifd barrier for machine types after 8.0, as a record inside a memory section.
    public void multifdFlush() throws PeerException {}

    /// The end mark behind the device sections.
    public void endOfSections() throws PeerException {}

    /// The JSON description, the last part of a pre-copy stream.
    public void description(byte[] json) throws PeerException {}

    /// Any bytes: what no rule covers, such as a fault that a test wants on the wire.
    public void raw(byte[] bytes) throws PeerException {}

    /// Sends what is gathered.
    public void flush() throws PeerException {}
}
