package dev.dray.page;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Decides which page of a lazily restored guest is fetched next, and gives each page out once. First what was
/// requested, in order; then the working set as it was recorded; then a sweep over the rest that goes on from the
/// latest
/// miss. It knows nothing of what asks, of where pages come from, or of time: no I/O, no clock, no threads, so that any
/// course of events can be simulated.
///
/// Pages are numbered over all extents, one after the other. A page is free; *taken* once it is requested or given out
/// by [#next]; then *present*. A page that could not be fetched stays taken until [#retryFailed].
///
/// Threads: the caller's lock is held for every call but [#isPresent], and [#request] of a page that is present.
///
/// Invariant: between two [#drop]s of a page it is given out by [#next] once, unless it is given back or failed.
public final class PageServer implements AutoCloseable {
    /// Pages in a row, of which the guest sees a beginning and an end.
    ///
    /// @param pages how many
    /// @param runMax how many are fetched at once in the background
    public record Extent(long pages, int runMax) {
        public Extent {
            if (pages < 0 || runMax < 1) {
                throw new IllegalArgumentException("extent of " + pages + " pages in runs of " + runMax);
            }
        }
    }

    /// What a request is.
    public enum Asked {
        /// The page was never asked for, and is not present.
        FIRST_MISS(true, false),
        /// The page was never asked for, and is present.
        FIRST_HIT(true, true),
        /// The page was asked for before, and is not present (any more).
        REPEAT_MISS(false, false),
        /// The page was asked for before, and is present.
        REPEAT_HIT(false, true);

        private final boolean first;
        private final boolean present;

        Asked(boolean first, boolean present) {
            this.first = first;
            this.present = present;
        }

        public boolean first() {
            return first;
        }

        public boolean present() {
            return present;
        }
    }

    private final long[] ends;
    private final int[] runMax;
    private final long pages;
    private final PageBits taken;
    private final PageBits present;
    private final PageBits dropped;
    private final PageBits asked;
    private final PageQueue requests = new PageQueue();
    private final PageQueue retries = new PageQueue();
    private final PageQueue failed = new PageQueue();
    private final WorkingSet prefetch;
    private final long aheadMax;
    private final AtomicLong askedPages = new AtomicLong();
    private final AtomicLong usedPages = new AtomicLong();
    private long presentPages;
    private long takenAhead;
    private int prefetched;
    private long cursor;
    private boolean behindMiss;

    /// @param extents the guest's memory
    /// @param prefetch what to fetch first; extents are its regions; what lies outside of them is left out
    /// @param aheadMax pages at most that were fetched, or are being fetched, before anybody asked for them
    public PageServer(List<Extent> extents, WorkingSet prefetch, long aheadMax) {
        this.prefetch = prefetch;
        this.aheadMax = aheadMax;
        ends = new long[extents.size()];
        runMax = new int[extents.size()];
        long end = 0;
        for (int i = 0; i < ends.length; i++) {
            end += extents.get(i).pages();
            ends[i] = end;
            runMax[i] = extents.get(i).runMax();
        }
        pages = end;
        taken = new PageBits(end);
        present = new PageBits(end);
        dropped = new PageBits(end);
        asked = new PageBits(end);
    }

    /// The number of a page of an extent.
    public long number(int extent, long page) {
        return start(extent) + page;
    }

    /// The extent that holds a page.
    public int extent(long page) {
        for (int i = 0; i < ends.length; i++) {
            if (page < ends[i]) {
                return i;
            }
        }
        throw new IndexOutOfBoundsException("page " + page + " of " + pages);
    }

    /// The number of an extent's first page.
    public long start(int extent) {
        return extent == 0 ? 0 : ends[extent - 1];
    }

    /// The number after an extent's last page.
    public long end(int extent) {
        return ends[extent];
    }

    /// Whether a page's content is in its place. What was done before it was [#placed] can be seen.
    public boolean isPresent(long page) {
        return present.isSet(page);
    }

    /// Pages that were in place before anything was asked for.
    public void presentAlready(long first, long count) {
        for (long page = first; page < first + count; page++) {
            taken.set(page);
            present.set(page);
            presentPages++;
            if (asked.setAtomic(page)) {
                askedPages.incrementAndGet();
                usedPages.incrementAndGet();
            }
        }
    }

    /// Somebody asks for a page. If it is not present, it is the next to be fetched after those that were asked for
    /// before, unless it is being fetched already.
    public Asked request(long page) {
        return request(page, true);
    }

    /// As [#request(long)].
    ///
    /// @param leads whether the sweep goes on behind the page if it was not fetched yet
    public Asked request(long page, boolean leads) {
        boolean first = asked.setAtomic(page);
        if (first) {
            askedPages.incrementAndGet();
        }
        if (present.isSet(page)) {
            if (first) {
                usedPages.incrementAndGet();
                return Asked.FIRST_HIT;
            }
            return Asked.REPEAT_HIT;
        }
        if (!taken.isSet(page)) {
            taken.set(page);
            requests.add(page);
            if (leads) {
                cursor = page + 1;
                behindMiss = true;
            }
        } else if (dropped.isSet(page)) {
            dropped.clear(page);
            requests.add(page);
        }
        return first ? Asked.FIRST_MISS : Asked.REPEAT_MISS;
    }

    /// Gives out what is to be fetched next.
    ///
    /// @return false if there is nothing to be fetched now
    public boolean next(PageRun run) {
        if (nextRequest(run)) {
            return true;
        }
        if (!retries.isEmpty()) {
            run.set(retries.remove(), 1, PageRun.Reason.RETRY);
            return true;
        }
        long ahead = takenAhead + presentPages - usedPages.get();
        if (behindMiss) {
            behindMiss = false;
            long next = ahead < aheadMax ? nextOfSweep() : -1;
            if (next >= 0) {
                return take(next, aheadMax - ahead, PageRun.Reason.SWEEP, run);
            }
        }
        long room = (aheadMax + 1) / 2 - ahead; // a guest that wants its working set late does not end the sweep
        long page = room > 0 ? nextOfWorkingSet() : -1;
        if (page >= 0) {
            return take(page, room, PageRun.Reason.PREFETCH, run);
        }
        room = aheadMax - ahead;
        page = room > 0 ? nextOfSweep() : -1;
        return page >= 0 && take(page, room, PageRun.Reason.SWEEP, run);
    }

    /// Gives out what was requested and nobody fetches yet.
    ///
    /// @return false if there is no such page
    public boolean nextRequest(PageRun run) {
        if (requests.isEmpty()) {
            return false;
        }
        run.set(requests.remove(), 1, PageRun.Reason.REQUEST);
        return true;
    }

    /// Gives out what follows the latest miss, if nobody was sent there yet: for whoever had that miss and would
    /// have the next one too, where those who fetch ahead do not come to it.
    ///
    /// @param pagesMax how many pages at most
    /// @return false if there is nothing to be fetched there now
    public boolean nextBehindMiss(PageRun run, int pagesMax) {
        long room = Math.min(pagesMax, aheadMax - takenAhead - presentPages + usedPages.get());
        if (!behindMiss || room <= 0 || cursor >= pages || taken.isSet(cursor)) {
            return false;
        }
        return take(cursor, room, PageRun.Reason.SWEEP, run);
    }

    private long nextOfWorkingSet() {
        while (prefetched < prefetch.count()) {
            int extent = prefetch.region(prefetched);
            long page = prefetch.page(prefetched);
            if (extent >= 0 && extent < ends.length && page >= 0 && page < ends[extent] - start(extent)) {
                long number = number(extent, page);
                if (!taken.isSet(number)) {
                    return number;
                }
            }
            prefetched++;
        }
        return -1;
    }

    private long nextOfSweep() {
        long from = cursor;
        long found = taken.nextClear(from, pages);
        return found >= 0 ? found : taken.nextClear(0, from);
    }

    /// Takes the free pages from `first` on. What follows a page of the working set is only taken with it if it
    /// follows in there too.
    private boolean take(long first, long room, PageRun.Reason reason, PageRun run) {
        int extent = extent(first);
        long end = Math.min(ends[extent], first + Math.min(runMax[extent], room));
        long page = first;
        do {
            taken.set(page++);
            if (reason == PageRun.Reason.PREFETCH) {
                prefetched++;
                if (prefetched == prefetch.count()
                        || prefetch.region(prefetched) != extent
                        || number(extent, prefetch.page(prefetched)) != page) {
                    break;
                }
            }
        } while (page < end && !taken.isSet(page));
        takenAhead += page - first;
        if (reason == PageRun.Reason.SWEEP) {
            cursor = page;
        }
        run.set(first, (int) (page - first), reason);
        return true;
    }

    /// These pages of a run are in their places.
    public void placed(PageRun run, long first, int count) {
        for (long page = first; page < first + count; page++) {
            if (asked.isSet(page)) {
                usedPages.incrementAndGet();
            }
            present.set(page);
            presentPages++;
        }
        release(run, count);
    }

    /// These pages of a run were not fetched, for no fault of theirs: they are free again, and what was asked for is
    /// requested again.
    public void giveBack(PageRun run, long first, int count) {
        for (long page = first; page < first + count; page++) {
            if (asked.isSet(page)) {
                requests.add(page);
            } else if (run.reason() == PageRun.Reason.RETRY) {
                retries.add(page);
            } else {
                taken.clear(page);
            }
        }
        release(run, count);
    }

    /// This page of a run cannot be fetched now. Nobody gets it before [#retryFailed].
    public void failed(PageRun run, long page) {
        failed.add(page);
        release(run, 1);
    }

    /// All pages that failed are given out again, those that were asked for first.
    ///
    /// @return how many
    public int retryFailed() {
        int count = failed.count();
        for (int i = 0; i < count; i++) {
            long page = failed.remove();
            (asked.isSet(page) ? requests : retries).add(page);
        }
        return count;
    }

    private void release(PageRun run, int count) {
        if (run.reason() == PageRun.Reason.PREFETCH || run.reason() == PageRun.Reason.SWEEP) {
            takenAhead -= count;
        }
    }

    /// A page that was asked for and present is not kept any longer; who asks again makes it be fetched again.
    public void drop(long page) {
        if (!asked.isSet(page) || !present.isSet(page)) {
            throw new IllegalStateException("page " + page + " is not in use");
        }
        present.clear(page);
        dropped.set(page);
        presentPages--;
        usedPages.decrementAndGet();
    }

    /// The first page from here on and before `to` that nobody has asked for, or -1. By any thread.
    public long nextUnasked(long from, long to) {
        return asked.nextClear(from, to);
    }

    public long pages() {
        return pages;
    }

    /// Pages that nobody has asked for yet.
    public long unasked() {
        return pages - askedPages.get();
    }

    /// Pages that are not in their places (any more).
    public long absent() {
        return pages - presentPages;
    }

    /// Pages that failed and wait for [#retryFailed].
    public int failures() {
        return failed.count();
    }

    /// Gives back its memory. Nobody may call anything afterwards.
    @Override
    public void close() {
        taken.close();
        present.close();
        dropped.close();
        asked.close();
    }
}
