package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A segment of a page table, as it is before compression: where each page of 16 MiB of guest memory lies.
/// Entries are stored by columns, and offsets as the distance from where the entry's pack was left, because
/// pages that follow each other in the guest mostly do so in a pack: such columns are zeros, and compress to
/// almost nothing.
///
/// | offset | size | field       | type  | meaning                                                     |
/// |-------:|-----:|-------------|-------|-------------------------------------------------------------|
/// |      0 |    4 | pages       | u32   | entries, 1 to 4096                                          |
/// |      4 |    2 | packs       | u16   | length of the pack list, at most `pages`                    |
/// |      6 |    2 | reserved    | u16   | zero                                                        |
/// |      8 |   16 | pack_names  | u8×16 | `packs` times, in the order of first use                    |
/// |      – |    1 | kind        | u8    | `pages` times: bits 0–1 kind of page, bit 2 compressed      |
/// |      – |    1 | pack_low    | u8    | `pages` times: low byte of the index into the pack list     |
/// |      – |    1 | pack_high   | u8    | `pages` times                                               |
/// |      – |    1 | sealed_low  | u8    | `pages` times: low byte of the sealed bytes                 |
/// |      – |    1 | sealed_high | u8    | `pages` times                                               |
/// |      – |    1 | gap_0       | u8    | `pages` times: low byte of the gap                          |
/// |      – |    1 | gap_1       | u8    | `pages` times                                               |
/// |      – |    1 | gap_2       | u8    | `pages` times                                               |
/// |      – |    1 | gap_3       | u8    | `pages` times                                               |
///
/// Kinds of pages: 0 absent, 1 content, 2 zero, 3 removed. A gap is the offset of the page's frame less the
/// end of the frame before it in the segment that lies in the same pack (0 if there is none), modulo 2^32. A
/// page that is not content has zeros in every column but the first.
final class SegmentCodec {
    static final int HEADER_BYTES = 8;
    static final int COLUMNS = 9;
    static final int BYTES_MAX = HEADER_BYTES + Format.SEGMENT_PAGES * (Format.ID_BYTES + COLUMNS);

    private static final int COMPRESSED = 4;

    /// Where each pack of the list was left; as long as the longest list.
    private final int[] ends = new int[Format.SEGMENT_PAGES];

    /// The columns on their way: an array, because a capture goes through them before the JIT has got to know
    /// them, and without it a byte of a segment takes ten times as long.
    private final byte[] columns = new byte[Format.SEGMENT_PAGES * COLUMNS];

    /// Writes a segment.
    ///
    /// @param locations of its pages; their pack numbers are indices into `packs`
    /// @param packs its pack list in order of first use, names as hex
    /// @return bytes written
    int encode(long[] locations, int pages, List<String> packs, MemorySegment into) {
        into.set(Format.U32, 0, pages);
        into.set(Format.U16, 4, (short) packs.size());
        into.set(Format.U16, 6, (short) 0);
        long at = HEADER_BYTES;
        for (String pack : packs) {
            MemorySegment.copy(ObjectName.id(pack), 0, into, Format.U8, at, Format.ID_BYTES);
            at += Format.ID_BYTES;
        }
        java.util.Arrays.fill(ends, 0, packs.size(), 0);
        for (int i = 0; i < pages; i++) {
            long location = locations[i];
            int kind = Location.kind(location);
            int pack = 0;
            int sealed = 0;
            int gap = 0;
            if (Location.isContent(location)) {
                kind |= Location.compressed(location) ? COMPRESSED : 0;
                pack = Location.pack(location);
                sealed = Location.sealedBytes(location);
                gap = Location.offset(location) - ends[pack];
                ends[pack] = Location.end(location);
            }
            columns[i] = (byte) kind;
            columns[pages + i] = (byte) pack;
            columns[2 * pages + i] = (byte) (pack >>> 8);
            columns[3 * pages + i] = (byte) sealed;
            columns[4 * pages + i] = (byte) (sealed >>> 8);
            columns[5 * pages + i] = (byte) gap;
            columns[6 * pages + i] = (byte) (gap >>> 8);
            columns[7 * pages + i] = (byte) (gap >>> 16);
            columns[8 * pages + i] = (byte) (gap >>> 24);
        }
        MemorySegment.copy(columns, 0, into, Format.U8, at, pages * COLUMNS);
        return (int) at + pages * COLUMNS;
    }

    /// Reads a segment.
    ///
    /// @param from exactly its bytes
    /// @param locations receives its entries; pack numbers are indices into the list that is returned
    /// @param where what to call it in messages
    /// @return its pack list, names as hex
    List<String> decode(MemorySegment from, int expectedPages, long[] locations, String where) throws CorruptException {
        if (from.byteSize() < HEADER_BYTES) {
            throw damaged(where, "it has " + from.byteSize() + " bytes");
        }
        int pages = from.get(Format.U32, 0);
        int packs = Short.toUnsignedInt(from.get(Format.U16, 4));
        if (pages != expectedPages || packs > pages || from.get(Format.U16, 6) != 0) {
            throw damaged(
                    where,
                    "it has " + Integer.toUnsignedString(pages) + " entries and " + packs + " packs, and "
                            + expectedPages + " entries are expected");
        }
        long at = HEADER_BYTES + (long) packs * Format.ID_BYTES;
        if (from.byteSize() != at + (long) pages * COLUMNS) {
            throw damaged(where, "it has " + from.byteSize() + " bytes");
        }
        List<String> names = new ArrayList<>(packs);
        for (int i = 0; i < packs; i++) {
            names.add(packName(from, HEADER_BYTES + (long) i * Format.ID_BYTES));
        }
        java.util.Arrays.fill(ends, 0, packs, 0);
        MemorySegment.copy(from, Format.U8, at, columns, 0, pages * COLUMNS);
        for (int i = 0; i < pages; i++) {
            locations[i] = entry(pages, i, packs, where);
        }
        return names;
    }

    private long entry(int pages, int i, int packs, String where) throws CorruptException {
        int kind = column(pages, i, 0);
        int pack = column(pages, i, 1) | column(pages, i, 2) << 8;
        int sealed = column(pages, i, 3) | column(pages, i, 4) << 8;
        int gap =
                column(pages, i, 5) | column(pages, i, 6) << 8 | column(pages, i, 7) << 16 | column(pages, i, 8) << 24;
        if ((kind & 3) != Location.CONTENT) {
            if ((kind | 3) != 3 || (pack | sealed | gap) != 0) {
                throw damaged(where, "entry " + i + " of kind " + kind + " is not empty");
            }
            return kind;
        }
        int offset = pack < packs ? ends[pack] + gap : -1;
        boolean inside = offset >= 0 && (long) offset + sealed <= Format.PACK_BYTES_MAX;
        if ((kind | 7) != 7 || sealed <= Format.TAG_BYTES || sealed > Location.SEALED_MAX || !inside) {
            throw damaged(
                    where,
                    "entry " + i + " of kind " + kind + " has " + sealed + " bytes at "
                            + Integer.toUnsignedString(offset) + " of pack " + pack + " of " + packs);
        }
        ends[pack] = offset + sealed;
        return Location.content(pack, offset, sealed, (kind & COMPRESSED) != 0);
    }

    private int column(int pages, int index, int column) {
        return Byte.toUnsignedInt(columns[column * pages + index]);
    }

    static String packName(MemorySegment from, long at) {
        byte[] id = new byte[Format.ID_BYTES];
        MemorySegment.copy(from, Format.U8, at, id, 0, Format.ID_BYTES);
        return ObjectName.hex(id);
    }

    private static CorruptException damaged(String where, String why) {
        return Envelope.damaged(where, "as a table segment, " + why);
    }
}
