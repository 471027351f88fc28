package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// Turns a guest's table into segments and directory nodes. All its packs must have names.
final class TableWriter {
    private final GuestTable table;
    private final PackNames names;
    private final MetadataPacks metadata;
    private final SegmentCodec codec = new SegmentCodec();
    private final long[] locations = new long[Format.SEGMENT_PAGES];
    private final long[] decoded = new long[Format.SEGMENT_PAGES];
    private final List<List<Child>> segments = new ArrayList<>();
    private final List<List<Child>> nodes = new ArrayList<>();

    /// Numbers of packs, those of the whole session and those of the segment at hand.
    private final BitSet packs = new BitSet();

    private final List<Integer> packsOfSegment = new ArrayList<>();
    private final int[] indexOfPack;
    private final long[] kinds = new long[PageKind.values().length];
    private final FrameSet frames;

    /// @param packCount all packs have lower numbers
    TableWriter(GuestTable table, PackNames names, MetadataPacks metadata, int packCount, FrameSet frames) {
        this.table = table;
        this.names = names;
        this.metadata = metadata;
        this.indexOfPack = new int[packCount];
        this.frames = frames;
    }

    /// A segment or node that is not written yet, or is uniform.
    private sealed interface Child {
        record Uniform(PageKind kind) implements Child {}

        record Stored(MetadataPacks.Place place) implements Child {}
    }

    /// Adds all segments; the packs of metadata they lie in must be written before [#addNodes].
    void addSegments() throws DrayException {
        List<MemoryRegion> regions = table.memory().regions();
        for (int region = 0; region < regions.size(); region++) {
            segments.add(segments(region, regions.get(region).pages()));
        }
    }

    /// Adds all directory nodes; the packs they lie in must be written before [#roots].
    void addNodes() throws DrayException {
        List<MemoryRegion> regions = table.memory().regions();
        for (int region = 0; region < regions.size(); region++) {
            nodes.add(nodes(regions.get(region).pages(), segments.get(region)));
        }
    }

    /// The roots of each region.
    List<List<TableRef>> roots() {
        return nodes.stream().map(all -> all.stream().map(this::ref).toList()).toList();
    }

    private List<Child> segments(int region, long pages) throws DrayException {
        List<Child> all = new ArrayList<>();
        for (int segment = 0; segment < PageTables.segments(pages); segment++) {
            int count = PageTables.pagesOfSegment(pages, segment);
            PageKind kind = table.segment(region, segment, count, locations);
            if (kind == PageKind.CONTENT) {
                all.add(new Child.Stored(segment(count)));
            } else {
                kinds[kind.ordinal()] += count;
                all.add(new Child.Uniform(kind));
            }
        }
        return all;
    }

    private MetadataPacks.Place segment(int count) throws DrayException {
        packsOfSegment.clear();
        for (int i = 0; i < count; i++) {
            long location = locations[i];
            kinds[Location.kind(location)]++;
            if (!Location.isContent(location)) {
                continue;
            }
            frames.add(location);
            int pack = Location.pack(location);
            packs.set(pack);
            int index = indexOfPack[pack];
            if (index >= packsOfSegment.size() || packsOfSegment.get(index) != pack) {
                index = packsOfSegment.size();
                packsOfSegment.add(pack);
                indexOfPack[pack] = index;
            }
            locations[i] = Location.withPack(location, index);
        }
        List<String> list = packsOfSegment.stream().map(names::name).toList();
        int bytes = codec.encode(locations, count, list, metadata.plain());
        checkDecoded(count, list, bytes);
        return metadata.add(FrameKind.SEGMENT, bytes);
    }

    /// What is about to be written is read back: that catches us, where the seal catches the disk.
    private void checkDecoded(int count, List<String> list, int bytes) {
        try {
            MemorySegment encoded = metadata.plain().asSlice(0, bytes);
            boolean names =
                    codec.decode(encoded, count, decoded, "a new segment").equals(list);
            if (!names || !Arrays.equals(locations, 0, count, decoded, 0, count)) {
                throw new IllegalStateException("a table segment that does not read back");
            }
        } catch (CorruptException e) {
            throw new IllegalStateException("a table segment that does not read back", e);
        }
    }

    private List<Child> nodes(long pages, List<Child> below) throws DrayException {
        List<Child> all = new ArrayList<>();
        for (int node = 0; node < PageTables.roots(pages); node++) {
            int first = node * Format.NODE_SEGMENTS;
            List<Child> children = below.subList(first, first + PageTables.segmentsOfNode(pages, node));
            Child head = children.getFirst();
            if (head instanceof Child.Uniform && children.stream().allMatch(head::equals)) {
                all.add(head);
                continue;
            }
            List<TableRef> refs = children.stream().map(this::ref).toList();
            int bytes = NodeCodec.encode(refs, metadata.plain());
            if (!decoded(refs, bytes)) {
                throw new IllegalStateException("a directory node that does not read back");
            }
            all.add(new Child.Stored(metadata.add(FrameKind.NODE, bytes)));
        }
        return all;
    }

    private boolean decoded(List<TableRef> refs, int bytes) {
        try {
            return NodeCodec.decode(metadata.plain().asSlice(0, bytes), refs.size(), "a new node")
                    .equals(refs);
        } catch (CorruptException e) {
            throw new IllegalStateException("a directory node that does not read back", e);
        }
    }

    private TableRef ref(Child child) {
        return switch (child) {
            case Child.Uniform(PageKind kind) -> new TableRef.Uniform(kind);
            case Child.Stored(MetadataPacks.Place place) -> metadata.ref(place);
        };
    }

    /// The packs that hold the guest's pages, by number.
    BitSet packs() {
        return packs;
    }

    long bytesOf(PageKind kind) {
        return kinds[kind.ordinal()] * PageSize.BYTES;
    }
}
