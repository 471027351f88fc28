package dev.dray.memory;

/// The only place for arithmetic between bytes and pages. A page is always 4 KiB of guest memory; a region
/// whose host pages are larger still counts its pages in this unit.
public final class PageSize {
    /// Bytes in one page.
    public static final int BYTES = 4096;

    private static final int SHIFT = 12;

    private PageSize() {}

    /// How many pages hold `bytes`, the last one possibly in part.
    public static long pages(long bytes) {
        return (bytes + BYTES - 1) >>> SHIFT;
    }

    /// The number of the page that holds byte `offset`.
    public static long index(long offset) {
        return offset >>> SHIFT;
    }

    /// The offset of the first byte of page `index`.
    public static long offset(long index) {
        return index << SHIFT;
    }

    /// Whether `offset` is the first byte of a page.
    public static boolean isAligned(long offset) {
        return (offset & (BYTES - 1)) == 0;
    }
}
