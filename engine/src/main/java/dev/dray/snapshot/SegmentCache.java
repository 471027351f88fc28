package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.memory.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// The parts of one snapshot's page tables that were read, shared by all its readers. Readers do not wait for
/// each other: two may read the same segment at once, and one of the two copies is kept.
final class SegmentCache {
    /// Decoded segments that are kept, 32 KiB each: 32 MiB of heap for 16 GiB of guest.
    static final int SEGMENTS_MAX = 1024;

    /// A pack's name as hex and as an object.
    record Pack(String hex, String object) {}

    /// A segment in memory. Pack numbers in its locations are its own, see [#pack].
    static final class Decoded {
        private static final Pack[] NO_PACKS = {};

        private final long @Nullable [] locations;
        private final long uniform;
        private final Pack[] packs;

        private Decoded(long uniform) {
            this.locations = null;
            this.uniform = uniform;
            this.packs = NO_PACKS;
        }

        private Decoded(long[] locations, Pack[] packs) {
            this.locations = locations;
            this.uniform = 0;
            this.packs = packs;
        }

        /// What is known of page `index` of the segment.
        long location(int index) {
            return locations == null ? uniform : locations[index];
        }

        int packCount() {
            return packs.length;
        }

        Pack pack(int number) {
            return packs[number];
        }

        boolean isUniform() {
            return locations == null;
        }
    }

    private static final Decoded[] UNIFORM = {
        new Decoded(Location.ABSENT), new Decoded(0), new Decoded(Location.ZERO), new Decoded(Location.REMOVED)
    };

    private final Manifest manifest;
    private final List<AtomicReferenceArray<Decoded>> segments = new ArrayList<>();
    private final List<AtomicReferenceArray<List<TableRef>>> nodes = new ArrayList<>();

    /// One object for each pack, so that a thousand segments do not hold a thousand copies of its names.
    private final Map<String, Pack> packNames = new ConcurrentHashMap<>();

    /// The segments that are kept, as region and index, in a ring: the one that was read longest ago goes
    /// first.
    private final AtomicReferenceArray<long[]> ring = new AtomicReferenceArray<>(SEGMENTS_MAX);

    private final AtomicInteger next = new AtomicInteger();

    SegmentCache(Manifest manifest) {
        this.manifest = manifest;
        for (MemoryRegion region : manifest.memory().regions()) {
            segments.add(new AtomicReferenceArray<>(PageTables.segments(region.pages())));
            nodes.add(new AtomicReferenceArray<>(PageTables.roots(region.pages())));
        }
    }

    /// A segment, read through `reader` if it is not here.
    Decoded segment(int region, long index, FrameReader reader) throws DrayException {
        Decoded known = segments.get(region).get((int) index);
        return known != null ? known : load(region, (int) index, reader);
    }

    private Decoded load(int region, int index, FrameReader reader) throws DrayException {
        Decoded decoded = switch (ref(region, index, reader)) {
            case TableRef.Uniform(var kind) -> UNIFORM[kind.ordinal()];
            case FrameRef frame -> decode(region, index, frame, reader);
        };
        segments.get(region).set(index, decoded);
        if (!decoded.isUniform()) {
            int at = Math.floorMod(next.getAndIncrement(), SEGMENTS_MAX);
            long[] old = ring.getAndSet(at, new long[] {region, index});
            if (old != null && (old[0] != region || old[1] != index)) {
                segments.get((int) old[0]).set((int) old[1], null);
            }
        }
        return decoded;
    }

    private Decoded decode(int region, int index, FrameRef frame, FrameReader reader) throws DrayException {
        int pages = PageTables.pagesOfSegment(
                manifest.memory().regions().get(region).pages(), index);
        MemorySegment plain = reader.metadata(frame, FrameKind.SEGMENT);
        long[] locations = new long[pages];
        List<String> packs = new SegmentCodec().decode(plain, pages, locations, ObjectName.pack(frame.pack()));
        return new Decoded(
                locations,
                packs.stream()
                        .map(hex -> packNames.computeIfAbsent(hex, h -> new Pack(h, ObjectName.pack(h))))
                        .toArray(Pack[]::new));
    }

    /// What the tables say of a segment.
    TableRef ref(int region, int index, FrameReader reader) throws DrayException {
        int node = index / Format.NODE_SEGMENTS;
        TableRef root = manifest.tables().get(region).get(node);
        if (!(root instanceof FrameRef frame)) {
            return root;
        }
        List<TableRef> refs = nodes.get(region).get(node);
        if (refs == null) {
            refs = node(region, node, frame, reader);
            nodes.get(region).set(node, refs);
        }
        return refs.get(index % Format.NODE_SEGMENTS);
    }

    private List<TableRef> node(int region, int node, FrameRef frame, FrameReader reader) throws DrayException {
        long pages = manifest.memory().regions().get(region).pages();
        MemorySegment plain = reader.metadata(frame, FrameKind.NODE);
        List<TableRef> refs =
                NodeCodec.decode(plain, PageTables.segmentsOfNode(pages, node), ObjectName.pack(frame.pack()));
        for (TableRef ref : refs) {
            if (ref instanceof FrameRef segment && segment.plainBytes() > SegmentCodec.BYTES_MAX) {
                throw new CorruptException(
                        "Object " + ObjectName.pack(frame.pack()) + " is damaged: it names a segment of "
                                + segment.plainBytes() + " bytes",
                        "");
            }
        }
        return refs;
    }
}
