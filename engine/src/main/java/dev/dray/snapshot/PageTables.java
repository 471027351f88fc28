package dev.dray.snapshot;

import dev.dray.memory.MemoryRegion;

/// The shape of page tables: a region's pages lie in segments, those in directory nodes, and the manifest
/// names the nodes.
final class PageTables {
    /// Directory nodes of the largest region.
    static final int ROOTS_MAX = (int) (MemoryRegion.BYTES_MAX >>> 12 >>> 22) + 1;

    /// Pieces of the largest part of machine state, or of the longest list of packs.
    static final int FRAMES_MAX = 1 << 12;

    private PageTables() {}

    /// Directory nodes of a region of `pages` pages.
    static int roots(long pages) {
        return (int) ((pages + Format.NODE_PAGES - 1) / Format.NODE_PAGES);
    }

    /// Segments of a region of `pages` pages.
    static int segments(long pages) {
        return Math.toIntExact((pages + Format.SEGMENT_PAGES - 1) / Format.SEGMENT_PAGES);
    }

    /// Segments under node `node` of a region of `pages` pages.
    static int segmentsOfNode(long pages, int node) {
        return Math.min(Format.NODE_SEGMENTS, segments(pages) - node * Format.NODE_SEGMENTS);
    }

    /// Pages in segment `segment` of a region of `pages` pages.
    static int pagesOfSegment(long pages, int segment) {
        return (int) Math.min(Format.SEGMENT_PAGES, pages - (long) segment * Format.SEGMENT_PAGES);
    }
}
