package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.memory.MemoryRegion;

/// Visits every segment of a snapshot's page tables, also when some cannot be read.
final class TableWalk {
    /// What is found on the way.
    interface Visitor {
        /// A segment that lies in a frame and was read.
        ///
        /// @param first number of its first page in the region
        void segment(int region, long first, int pages, FrameRef frame, SegmentCache.Decoded segment)
                throws DrayException;

        /// Segments that cannot be read, of which the first is at page `first`.
        void unreadable(int region, long first, long pages, FrameRef frame, DrayException failure);

        /// Whether a segment need not be read: it was, in another snapshot.
        boolean knows(FrameRef frame);

        /// A directory node that was read.
        void node(FrameRef frame) throws DrayException;
    }

    private final Manifest manifest;
    private final SegmentCache tables;
    private final FrameReader reader;

    TableWalk(Manifest manifest, FrameReader reader) {
        this.manifest = manifest;
        this.tables = new SegmentCache(manifest);
        this.reader = reader;
    }

    void walk(Visitor visitor) throws DrayException {
        for (int region = 0; region < manifest.memory().regions().size(); region++) {
            MemoryRegion of = manifest.memory().regions().get(region);
            for (int node = 0; node < PageTables.roots(of.pages()); node++) {
                if (manifest.tables().get(region).get(node) instanceof FrameRef frame) {
                    node(region, of.pages(), node, frame, visitor);
                }
            }
        }
    }

    private void node(int region, long pages, int node, FrameRef frame, Visitor visitor) throws DrayException {
        int first = node * Format.NODE_SEGMENTS;
        int count = PageTables.segmentsOfNode(pages, node);
        long firstPage = (long) first * Format.SEGMENT_PAGES;
        try {
            tables.ref(region, first, reader);
        } catch (CorruptException | MachineException e) {
            long below = Math.min((long) count * Format.SEGMENT_PAGES, pages - firstPage);
            visitor.unreadable(region, firstPage, below, frame, e);
            return;
        }
        visitor.node(frame);
        for (int segment = first; segment < first + count; segment++) {
            if (tables.ref(region, segment, reader) instanceof FrameRef below && !visitor.knows(below)) {
                segment(region, pages, segment, below, visitor);
            }
        }
    }

    private void segment(int region, long pages, int segment, FrameRef frame, Visitor visitor) throws DrayException {
        long first = (long) segment * Format.SEGMENT_PAGES;
        int count = PageTables.pagesOfSegment(pages, segment);
        SegmentCache.Decoded decoded;
        try {
            decoded = tables.segment(region, segment, reader);
        } catch (CorruptException | MachineException e) {
            visitor.unreadable(region, first, count, frame, e);
            return;
        }
        visitor.segment(region, first, count, frame, decoded);
    }
}
