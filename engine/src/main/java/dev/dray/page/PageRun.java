package dev.dray.page;

/// Pages in a row that somebody is to fetch, reused for the next ones.
public final class PageRun {
    /// Why pages are fetched.
    public enum Reason {
        /// Somebody waits for it.
        REQUEST,
        /// It could not be fetched before.
        RETRY,
        /// It is in the working set.
        PREFETCH,
        /// It is one of the rest.
        SWEEP
    }

    private long first;
    private int count;
    private Reason reason = Reason.SWEEP;

    void set(long newFirst, int newCount, Reason newReason) {
        first = newFirst;
        count = newCount;
        reason = newReason;
    }

    /// The number of the first page, counted over all extents.
    public long first() {
        return first;
    }

    public int count() {
        return count;
    }

    public Reason reason() {
        return reason;
    }
}
