package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.seal.PageMac;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Stores frames of metadata: what is stored already is not stored again, so tables of unchanged memory are
/// shared between snapshots. By one thread.
///
/// A frame's place can be told only when its pack is written, because the pack's name depends on all it
/// holds. So frames that name others are added after [#write]. And what they name is durable before they are.
final class MetadataPacks implements AutoCloseable {
    private final PackBuilder pack;
    private final PackNames names;
    private final FrameEncoder encoder = new FrameEncoder(new Compression.Auto());
    private final Map<FrameKind, PageMac> macs = new EnumMap<>(FrameKind.class);
    private final Map<Identity, Place> known;
    private final MemorySegment plain = NativeMemory.map(Format.METADATA_BYTES_MAX);
    private final ByteBuffer view = plain.asByteBuffer();
    private final BitSet packs = new BitSet();
    private final Durability named;
    private long storedBytes;

    /// Waits until the packs that frames name are durable.
    interface Durability {
        void await() throws DrayException;
    }

    /// An identity of a frame, with its kind, as a key.
    record Identity(FrameKind kind, long low, long high) {}

    /// Where a frame lies, its pack by number. A pack's directory does not tell the length of contents;
    /// whoever adds equal contents knows it.
    record Place(int pack, int offset, int sealedBytes, int plainBytes, boolean compressed) {
        private Place of(int bytes) {
            return new Place(pack, offset, sealedBytes, bytes, compressed);
        }
    }

    /// @param known frames of earlier snapshots; new ones are added to it
    /// @param named of the packs of pages
    MetadataPacks(
            BlobStore store,
            RepositoryKeys keys,
            PackNames names,
            String domain,
            Map<Identity, Place> known,
            Durability named) {
        this.names = names;
        this.named = named;
        this.known = new HashMap<>(known);
        String settings = FrameEncoder.settings(new Compression.Auto());
        pack = new PackBuilder(store, keys, names, settings, Format.PACK_BYTES_TARGET, Format.METADATA_BYTES_MAX);
        for (FrameKind kind : List.of(FrameKind.SEGMENT, FrameKind.NODE, FrameKind.STATE, FrameKind.PACK_LIST)) {
            macs.put(kind, keys.metadataIdentity(kind, domain));
        }
    }

    /// Where to write contents before they are added: [Format#METADATA_BYTES_MAX] bytes.
    MemorySegment plain() {
        return plain;
    }

    /// Adds the first `bytes` of [#plain()].
    Place add(FrameKind kind, int bytes) throws DrayException {
        if (!pack.hasRoom(bytes)) {
            write();
        }
        PageMac mac = macs.get(kind);
        if (mac == null) {
            throw new IllegalArgumentException("a frame of kind " + kind);
        }
        mac.mac(plain.address(), bytes, pack.identityAddress());
        Identity identity = new Identity(kind, pack.identityLow(), pack.identityHigh());
        Place place = known.get(identity);
        if (place == null) {
            int offset = pack.used();
            int sealed = pack.add(kind, view, 0, bytes, encoder);
            place = new Place(pack.number(), offset, sealed, bytes, encoder.compressed());
            known.put(identity, place);
        }
        storedBytes += place.sealedBytes();
        packs.set(place.pack());
        return place.of(bytes);
    }

    /// Numbers of the packs that hold what was added and are written.
    BitSet packs() {
        BitSet all = (BitSet) packs.clone();
        if (pack.number() >= 0) {
            all.clear(pack.number());
        }
        return all;
    }

    /// Makes durable what was added; from then on every place has a [#ref].
    void write() throws DrayException {
        named.await();
        pack.write();
    }

    FrameRef ref(Place place) {
        return new FrameRef(
                names.name(place.pack()), place.offset(), place.sealedBytes(), place.plainBytes(), place.compressed());
    }

    /// Cuts bytes into frames.
    List<Place> addPieces(FrameKind kind, byte[] bytes) throws DrayException {
        List<Place> places = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += Format.METADATA_BYTES_MAX) {
            int piece = Math.min(Format.METADATA_BYTES_MAX, bytes.length - at);
            MemorySegment.copy(bytes, at, plain, Format.U8, 0, piece);
            places.add(add(kind, piece));
        }
        return places;
    }

    /// Sealed bytes of all frames that were added, whether they were stored before or not.
    long storedBytes() {
        return storedBytes;
    }

    long writtenBytes() {
        return pack.writtenBytes();
    }

    List<String> written() {
        return pack.written();
    }

    @Override
    public void close() {
        pack.close();
        encoder.close();
        macs.values().forEach(PageMac::close);
        NativeMemory.unmap(plain);
    }
}
