package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.seal.Aead;

/// Reads pages of one snapshot in any order. Pages whose frames lie one after the other in a pack are read at
/// once. A page is opened and decompressed in buffers of ours and copied to its place only then.
final class SnapshotPages implements PageReader {
    /// The most that is read at once.
    private static final int RUN_BYTES_MAX = 256 << 10;

    private final FrameReader reader;
    private final FrameReader metadata;
    private final SegmentCache cache;
    private final Manifest manifest;

    SnapshotPages(Repository repository, Manifest manifest, SegmentCache cache) {
        this.manifest = manifest;
        this.cache = cache;
        reader = new FrameReader(repository.store(), repository.keys(), RUN_BYTES_MAX, PageSize.BYTES);
        metadata = repository.metadataReader();
    }

    @Override
    public void read(int region, long first, int count, long address, long strideBytes, byte[] kinds)
            throws DrayException {
        long pages = manifest.memory().regions().get(region).pages();
        if (first < 0 || count < 0 || first + count > pages || count > kinds.length) {
            throw new IndexOutOfBoundsException(
                    "pages " + first + "+" + count + " of region " + region + " of " + pages);
        }
        int i = 0;
        while (i < count) {
            long page = first + i;
            SegmentCache.Decoded segment = cache.segment(region, page / Format.SEGMENT_PAGES, metadata);
            int inside = (int) (page % Format.SEGMENT_PAGES);
            int left = Math.min(count - i, Format.SEGMENT_PAGES - inside);
            readInSegment(segment, inside, left, i, address, strideBytes, kinds);
            i += left;
        }
    }

    private void readInSegment(
            SegmentCache.Decoded segment,
            int inside,
            int count,
            int position,
            long address,
            long strideBytes,
            byte[] kinds)
            throws DrayException {
        int i = 0;
        while (i < count) {
            long location = segment.location(inside + i);
            kinds[position + i] = (byte) Location.kind(location);
            if (!Location.isContent(location)) {
                i++;
                continue;
            }
            int run = run(segment, inside + i, count - i);
            for (int j = 1; j < run; j++) {
                kinds[position + i + j] = (byte) Location.CONTENT;
            }
            readRun(segment, inside + i, run, address + (position + i) * strideBytes, strideBytes);
            i += run;
        }
    }

    /// How many pages from `inside` on lie one after the other in one pack.
    private static int run(SegmentCache.Decoded segment, int inside, int countMax) {
        long head = segment.location(inside);
        long end = Location.end(head);
        int count = 1;
        while (count < countMax) {
            long location = segment.location(inside + count);
            boolean follows = Location.isContent(location)
                    && Location.pack(location) == Location.pack(head)
                    && Location.offset(location) == end
                    && Location.end(location) - Location.offset(head) <= RUN_BYTES_MAX;
            if (!follows) {
                break;
            }
            end = Location.end(location);
            count++;
        }
        return count;
    }

    private void readRun(SegmentCache.Decoded segment, int inside, int count, long address, long strideBytes)
            throws DrayException {
        long head = segment.location(inside);
        int start = Location.offset(head);
        SegmentCache.Pack pack = segment.pack(Location.pack(head));
        String object = pack.object();
        Aead aead = reader.aead(pack.hex());
        reader.read(object, start, Location.end(segment.location(inside + count - 1)) - start);
        for (int i = 0; i < count; i++) {
            long location = segment.location(inside + i);
            int offset = Location.offset(location);
            long page = reader.open(
                    object,
                    aead,
                    FrameKind.PAGE,
                    offset - start,
                    offset,
                    Location.sealedBytes(location),
                    Location.compressed(location),
                    PageSize.BYTES);
            NativeMemory.copy(address + i * strideBytes, page, PageSize.BYTES);
        }
    }

    @Override
    public void close() {
        reader.close();
        metadata.close();
    }
}
