package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/// A snapshot's list of packs: their names, 16 bytes each, in frames of at most [Format#PACK_LIST_COUNT_MAX].
/// It is for whoever needs the packs as a whole (the index of a writer, cleaning up) and holds nothing that
/// the page tables do not. The packs that the manifest itself names need not be in it.
final class PackLists {
    private PackLists() {}

    static List<MetadataPacks.Place> add(BitSet packs, PackNames names, MetadataPacks metadata) throws DrayException {
        List<MetadataPacks.Place> places = new ArrayList<>();
        MemorySegment into = metadata.plain();
        int bytes = 0;
        for (int pack = packs.nextSetBit(0); pack >= 0; pack = packs.nextSetBit(pack + 1)) {
            MemorySegment.copy(ObjectName.id(names.name(pack)), 0, into, Format.U8, bytes, Format.ID_BYTES);
            bytes += Format.ID_BYTES;
            if (bytes == Format.METADATA_BYTES_MAX) {
                places.add(metadata.add(FrameKind.PACK_LIST, bytes));
                bytes = 0;
            }
        }
        if (bytes > 0) {
            places.add(metadata.add(FrameKind.PACK_LIST, bytes));
        }
        return places;
    }

    /// All packs that a snapshot references.
    static SequencedSet<String> read(Manifest manifest, FrameReader reader) throws DrayException {
        SequencedSet<String> packs = new LinkedHashSet<>();
        for (FrameRef ref : manifest.packs()) {
            packs.add(ref.pack());
            MemorySegment list = reader.metadata(ref, FrameKind.PACK_LIST);
            if (list.byteSize() % Format.ID_BYTES != 0) {
                throw new CorruptException(
                        "The list of packs of " + manifest.name() + " has " + list.byteSize() + " bytes", "");
            }
            for (long at = 0; at < list.byteSize(); at += Format.ID_BYTES) {
                packs.add(SegmentCodec.packName(list, at));
            }
        }
        for (List<TableRef> roots : manifest.tables()) {
            for (TableRef root : roots) {
                if (root instanceof FrameRef frame) {
                    packs.add(frame.pack());
                }
            }
        }
        for (StatePart part : manifest.state().values()) {
            part.frames().forEach(frame -> packs.add(frame.pack()));
        }
        return packs;
    }
}
