package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.memory.PageKind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A directory node of a page table, as it is before compression: where the segments of 16 GiB of guest
/// memory lie.
///
/// | offset | size | field      | type  | meaning                                        |
/// |-------:|-----:|------------|-------|------------------------------------------------|
/// |      0 |    4 | segments   | u32   | entries, 1 to 1024                             |
/// |      4 |    2 | packs      | u16   | length of the pack list, at most `segments`    |
/// |      6 |    2 | reserved   | u16   | zero                                           |
/// |      8 |   16 | pack_names | u8×16 | `packs` times, in the order of first use       |
/// |      – |   16 | entry      |       | `segments` times, see below                    |
///
/// | offset | size | field      | type  | meaning                                        |
/// |-------:|-----:|------------|-------|------------------------------------------------|
/// |      0 |    1 | kind       | u8    | 1 a frame; 0, 2, 3 all pages are of that kind  |
/// |      1 |    1 | compressed | u8    | 1 if the frame is                              |
/// |      2 |    2 | pack       | u16   | index into the pack list                       |
/// |      4 |    4 | offset     | u32   | of the frame in the pack                       |
/// |      8 |    4 | sealed     | u32   | its sealed bytes                               |
/// |     12 |    4 | plain      | u32   | its length when opened and decompressed        |
///
/// All fields little-endian. An entry that is not a frame has zeros after its kind.
final class NodeCodec {
    static final int HEADER_BYTES = 8;
    static final int ENTRY_BYTES = 16;
    static final int BYTES_MAX = HEADER_BYTES + Format.NODE_SEGMENTS * (Format.ID_BYTES + ENTRY_BYTES);

    private NodeCodec() {}

    /// Writes a node.
    ///
    /// @return bytes written
    static int encode(List<TableRef> segments, MemorySegment into) {
        Map<String, Integer> packs = new LinkedHashMap<>();
        for (TableRef ref : segments) {
            if (ref instanceof FrameRef frame) {
                packs.putIfAbsent(frame.pack(), packs.size());
            }
        }
        into.set(Format.U32, 0, segments.size());
        into.set(Format.U16, 4, (short) packs.size());
        into.set(Format.U16, 6, (short) 0);
        long at = HEADER_BYTES;
        for (String pack : packs.keySet()) {
            MemorySegment.copy(ObjectName.id(pack), 0, into, Format.U8, at, Format.ID_BYTES);
            at += Format.ID_BYTES;
        }
        for (TableRef ref : segments) {
            MemorySegment entry = into.asSlice(at, ENTRY_BYTES).fill((byte) 0);
            switch (ref) {
                case TableRef.Uniform(PageKind kind) -> entry.set(Format.U8, 0, (byte) kind.ordinal());
                case FrameRef frame -> {
                    entry.set(Format.U8, 0, (byte) PageKind.CONTENT.ordinal());
                    entry.set(Format.U8, 1, (byte) (frame.compressed() ? 1 : 0));
                    entry.set(Format.U16, 2, (short)
                            packs.getOrDefault(frame.pack(), 0).intValue());
                    entry.set(Format.U32, 4, frame.offset());
                    entry.set(Format.U32, 8, frame.sealedBytes());
                    entry.set(Format.U32, 12, frame.plainBytes());
                }
            }
            at += ENTRY_BYTES;
        }
        return (int) at;
    }

    /// Reads a node.
    ///
    /// @param from exactly its bytes
    /// @param where what to call it in messages
    static List<TableRef> decode(MemorySegment from, int expectedSegments, String where) throws CorruptException {
        if (from.byteSize() < HEADER_BYTES) {
            throw damaged(where, "it has " + from.byteSize() + " bytes");
        }
        int segments = from.get(Format.U32, 0);
        int packs = Short.toUnsignedInt(from.get(Format.U16, 4));
        if (segments != expectedSegments || packs > segments || from.get(Format.U16, 6) != 0) {
            throw damaged(
                    where,
                    "it has " + Integer.toUnsignedString(segments) + " entries and " + packs + " packs, and "
                            + expectedSegments + " entries are expected");
        }
        long at = HEADER_BYTES + (long) packs * Format.ID_BYTES;
        if (from.byteSize() != at + (long) segments * ENTRY_BYTES) {
            throw damaged(where, "it has " + from.byteSize() + " bytes");
        }
        List<String> names = new ArrayList<>(packs);
        for (int i = 0; i < packs; i++) {
            names.add(SegmentCodec.packName(from, HEADER_BYTES + (long) i * Format.ID_BYTES));
        }
        List<TableRef> refs = new ArrayList<>(segments);
        for (int i = 0; i < segments; i++) {
            refs.add(entry(from.asSlice(at + (long) i * ENTRY_BYTES, ENTRY_BYTES), i, names, where));
        }
        return refs;
    }

    private static TableRef entry(MemorySegment entry, int index, List<String> packs, String where)
            throws CorruptException {
        int kind = entry.get(Format.U8, 0);
        int compressed = entry.get(Format.U8, 1);
        int pack = Short.toUnsignedInt(entry.get(Format.U16, 2));
        if (kind != PageKind.CONTENT.ordinal()) {
            boolean empty = compressed == 0 && pack == 0 && entry.get(Format.U32, 4) == 0;
            if (kind < 0 || kind > 3 || !empty || entry.get(Format.U64, 8) != 0) {
                throw damaged(where, "entry " + index + " of kind " + kind + " is not empty");
            }
            return new TableRef.Uniform(PageKind.values()[kind]);
        }
        if (compressed < 0 || compressed > 1 || pack >= packs.size()) {
            throw damaged(where, "entry " + index + " is in pack " + pack + " of " + packs.size());
        }
        int offset = entry.get(Format.U32, 4);
        int sealed = entry.get(Format.U32, 8);
        int plain = entry.get(Format.U32, 12);
        return checked(new FrameRef(packs.get(pack), offset, sealed, plain, compressed == 1), where);
    }

    /// Checks a reference's numbers against the format's limits.
    static FrameRef checked(FrameRef ref, String where) throws CorruptException {
        boolean inside = ref.offset() >= 0
                && ref.sealedBytes() > Format.TAG_BYTES
                && (long) ref.offset() + ref.sealedBytes() <= Format.PACK_BYTES_MAX;
        boolean plain = ref.plainBytes() > 0
                && ref.plainBytes() <= Format.METADATA_BYTES_MAX
                && (ref.compressed() || ref.plainBytes() == ref.sealedBytes() - Format.TAG_BYTES);
        if (!inside || !plain) {
            throw damaged(
                    where,
                    "it names a frame of " + ref.sealedBytes() + " bytes (" + ref.plainBytes() + " opened) at "
                            + ref.offset());
        }
        return ref;
    }

    private static CorruptException damaged(String where, String why) {
        return Envelope.damaged(where, "as a directory node, " + why);
    }
}
