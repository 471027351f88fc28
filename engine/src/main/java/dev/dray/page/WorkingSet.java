package dev.dray.page;

/// The pages that a guest asked for while it was restored lazily, each once, in the order in which it asked. Primitive
/// arrays, because a guest of 1 TiB has hundreds of millions of pages.
public final class WorkingSet {
    /// Pages kept at most: 4 GiB of memory, far beyond what helps a guest to start.
    public static final int PAGES_MAX = 1 << 20;

    private final int[] regions;
    private final long[] pages;
    private final int[] afterMicros;
    private final int count;

    private WorkingSet(int[] regions, long[] pages, int[] afterMicros, int count) {
        this.regions = regions;
        this.pages = pages;
        this.afterMicros = afterMicros;
        this.count = count;
    }

    /// Takes ownership of the arrays.
    ///
    /// @param regions region index of each page
    /// @param pages number of each page inside its region
    /// @param afterMicros when it was asked for, in microseconds after the guest was let run, saturated
    /// @param count how many entries of the arrays count, at most [#PAGES_MAX]
    public static WorkingSet of(int[] regions, long[] pages, int[] afterMicros, int count) {
        if (count < 0
                || count > PAGES_MAX
                || regions.length < count
                || pages.length < count
                || afterMicros.length < count) {
            throw new IllegalArgumentException("working set of " + count + " pages");
        }
        return new WorkingSet(regions, pages, afterMicros, count);
    }

    public static WorkingSet empty() {
        return new WorkingSet(new int[0], new long[0], new int[0], 0);
    }

    public int count() {
        return count;
    }

    public int region(int i) {
        return regions[i];
    }

    public long page(int i) {
        return pages[i];
    }

    public int afterMicros(int i) {
        return afterMicros[i];
    }
}
