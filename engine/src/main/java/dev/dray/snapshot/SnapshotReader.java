package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.memory.MemoryRegion;
import dev.dray.page.PageReader;
import dev.dray.state.MachineState;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// Reads one snapshot. Used by many threads, each with a [PageReader] of its own.
public final class SnapshotReader implements AutoCloseable {
    private final Repository repository;
    private final Manifest manifest;
    private final SegmentCache cache;

    SnapshotReader(Repository repository, Manifest manifest) {
        this.repository = repository;
        this.manifest = manifest;
        this.cache = new SegmentCache(manifest);
    }

    public Manifest manifest() {
        return manifest;
    }

    /// Reads, authenticates and joins the machine state's parts.
    public MachineState state() throws DrayException {
        SortedMap<String, byte[]> parts = new TreeMap<>();
        try (FrameReader reader = repository.metadataReader()) {
            for (Map.Entry<String, StatePart> part : manifest.state().entrySet()) {
                parts.put(part.getKey(), join(part.getValue(), reader));
            }
        }
        return new MachineState(manifest.dialect(), parts);
    }

    private static byte[] join(StatePart part, FrameReader reader) throws DrayException {
        byte[] all = new byte[Math.toIntExact(part.bytes())];
        int at = 0;
        for (FrameRef ref : part.frames()) {
            MemorySegment piece = reader.metadata(ref, FrameKind.STATE);
            MemorySegment.copy(piece, Format.U8, 0, all, at, ref.plainBytes());
            at += ref.plainBytes();
        }
        return all;
    }

    /// A reader of pages for one thread; to be closed by it.
    public PageReader pageReader() {
        return new SnapshotPages(repository, manifest, cache);
    }

    /// The kinds of pages `first`, … of a region, as ordinals of [PageKind], without reading contents.
    public void kinds(int region, long first, int count, byte[] kinds) throws DrayException {
        MemoryRegion of = manifest.memory().regions().get(region);
        try (FrameReader reader = repository.metadataReader()) {
            int at = 0;
            while (at < count) {
                SegmentCache.Decoded segment = cache.segment(region, (first + at) / Format.SEGMENT_PAGES, reader);
                int inside = (int) ((first + at) % Format.SEGMENT_PAGES);
                long left = Math.min(count - at, of.pages() - (first + at));
                int run = (int) Math.min(left, Format.SEGMENT_PAGES - inside);
                for (int i = 0; i < run; i++) {
                    kinds[at + i] = (byte) Location.kind(segment.location(inside + i));
                }
                if (run <= 0) {
                    throw new IndexOutOfBoundsException("page " + (first + at) + " of region " + region);
                }
                at += run;
            }
        }
    }

    /// The first page from `from` on with content in a region, or -1. Passes over memory without content
    /// quickly.
    public long nextContent(int region, long from) throws DrayException {
        long pages = manifest.memory().regions().get(region).pages();
        try (FrameReader reader = repository.metadataReader()) {
            for (long page = from; page < pages; page++) {
                SegmentCache.Decoded segment = cache.segment(region, page / Format.SEGMENT_PAGES, reader);
                int inside = (int) (page % Format.SEGMENT_PAGES);
                if (segment.isUniform()) {
                    page += Format.SEGMENT_PAGES - 1 - inside;
                } else if (Location.isContent(segment.location(inside))) {
                    return page;
                }
            }
        }
        return -1;
    }

    @Override
    public void close() {
        // Page readers own what is to be freed; the cache is on the heap.
    }
}
