package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.page.PageRun;
import dev.dray.page.PageServer;
import dev.dray.page.PageServer.Asked;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.Threads;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/// Fetches the pages that a [PageServer] gives out: what is asked for in the thread that asks, the rest ahead of it in
/// threads of its own. What cannot be fetched is tried again until it can: nobody is ever given anything else instead.
///
/// The server's pages are units here: the host pages behind an extent, of one or more pages of the snapshot.
///
/// Threads: `fill-N`, and those that ask. The monitor is the server's lock.
final class PageSupply {
    /// Pages in a row that cannot be fetched, after which the others of a run are left for later.
    private static final int FAILURES_IN_A_ROW = 2;

    private static final long PAUSE_MS = 100;
    private static final long PAUSE_MS_MAX = 3000;

    private final PageServer server;
    private final int[] unitPages;
    private final RestoreImage image;
    private final PageFetcher.Taker taker;
    private final StorageTrouble trouble;
    private final List<Thread> workers = new ArrayList<>();
    private final AtomicLong contents = new AtomicLong();
    /// Whether somebody records events; asking costs little, making one that nobody wants costs 100 ms once.
    private final boolean recorded = FlightRecorder.isInitialized();

    private final Set<Long> failing = new HashSet<>();
    private int waiting;
    private volatile boolean stopped;

    /// @param unitPages pages of the snapshot in a unit of each extent
    /// @param taker puts pages to where they are found when their unit is present
    PageSupply(
            PageServer server, int[] unitPages, RestoreImage image, PageFetcher.Taker taker, StorageTrouble trouble) {
        this.server = server;
        this.unitPages = unitPages;
        this.image = image;
        this.taker = taker;
        this.trouble = trouble;
    }

    /// Begins to fetch ahead.
    void start(int threads) {
        for (int i = 0; i < threads; i++) {
            workers.add(Thread.ofPlatform().daemon().name("fill-" + i).start(this::work));
        }
    }

    /// Ends everything, also who waits in [#ask].
    void stop() {
        synchronized (this) {
            stopped = true;
            notifyAll();
        }
        workers.forEach(Threads::join);
    }

    /// Page contents that were fetched ahead, when it is over.
    long contents() {
        return contents.get();
    }

    /// Asks for a unit and returns when it is present, however long that takes.
    ///
    /// @param leads whether what follows the unit is fetched next
    /// @param own fetches it, if nobody does yet; the caller's
    /// @return what it was before; null if everything was stopped
    @Nullable
    Asked ask(long unit, boolean leads, PageRun run, PageFetcher own) {
        Asked asked;
        synchronized (this) {
            asked = server.request(unit, leads);
        }
        while (!server.isPresent(unit)) {
            boolean mine;
            synchronized (this) {
                mine = server.nextRequest(run);
                if (!mine && !stopped && !server.isPresent(unit)) {
                    if (failing.contains(unit)) {
                        trouble.guestWaits();
                    }
                    await(PAUSE_MS_MAX);
                }
            }
            if (mine) {
                fetch(run, own, true);
            }
            if (stopped) {
                return null;
            }
        }
        return asked;
    }

    /// Fetches a few of the units that follow the latest miss, in the thread of who asks. Somebody who goes through the
    /// memory in its order would miss each of them, as long as those who fetch ahead are elsewhere, or have no
    /// processor to run on.
    ///
    /// @param own the caller's
    void goOn(int unitsMax, PageRun run, PageFetcher own) {
        boolean mine;
        synchronized (this) {
            mine = !stopped && server.nextBehindMiss(run, unitsMax);
        }
        if (mine) {
            try {
                fetch(run.first(), run.count(), own);
                placed(run, run.first(), run.count());
            } catch (DrayException e) {
                synchronized (this) {
                    server.giveBack(run, run.first(), run.count()); // whoever needs it will find out, and wait
                    notifyAll();
                }
            }
        }
    }

    /// A unit that was asked for is not kept any longer.
    void drop(long unit) {
        synchronized (this) {
            server.drop(unit);
            notifyAll();
        }
    }

    private void work() {
        var run = new PageRun();
        try (var fetcher = new PageFetcher(image)) {
            while (take(run)) {
                fetch(run, fetcher, false);
            }
            contents.addAndGet(fetcher.contents());
        }
    }

    private synchronized boolean take(PageRun run) {
        while (!stopped && !server.next(run)) {
            if (server.absent() == 0) {
                return false; // and nothing is ever dropped, or it would not have come to that
            }
            await(PAUSE_MS_MAX);
        }
        return !stopped;
    }

    @SuppressWarnings("WaitNotInLoop") // who calls looks at its condition again
    private synchronized void await(long ms) {
        waiting++;
        try {
            wait(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        } finally {
            waiting--;
        }
    }

    private void fetch(PageRun run, PageFetcher fetcher, boolean waitedFor) {
        try {
            fetch(run.first(), run.count(), fetcher);
            placed(run, run.first(), run.count());
        } catch (DrayException e) {
            oneByOne(run, fetcher, e, waitedFor);
        }
    }

    private void fetch(long first, int count, PageFetcher fetcher) throws DrayException {
        int extent = server.extent(first);
        long pages = unitPages[extent];
        DecodeEvent event = recorded ? new DecodeEvent() : null;
        if (event != null) {
            event.begin();
        }
        try {
            fetcher.fetch(extent, (first - server.start(extent)) * pages, count * pages, taker);
        } catch (RuntimeException | Error e) { // of memory there may be enough next time
            throw new MachineException("A defect in Dray: " + e, "report it", e);
        }
        if (event != null) {
            event.pages = count * pages;
            event.commit();
        }
    }

    private synchronized void placed(PageRun run, long first, int count) {
        server.placed(run, first, count);
        if (waiting > 0) {
            notifyAll();
        }
        if (!failing.isEmpty()) {
            for (int i = 0; i < count; i++) {
                failing.remove(first + i);
            }
            if (failing.isEmpty()) {
                trouble.over();
            }
        }
    }

    /// Something in a run cannot be fetched: finds out what, and lets the rest go its way. Then waits, and has
    /// everything that failed tried again.
    private void oneByOne(PageRun run, PageFetcher fetcher, DrayException why, boolean waitedFor) {
        DrayException last = run.count() == 1 ? why : null;
        int failures = 0;
        for (int i = 0; i < run.count() && failures < FAILURES_IN_A_ROW; i++) {
            long unit = run.first() + i;
            try {
                if (run.count() == 1) {
                    throw why;
                }
                fetch(unit, 1, fetcher);
                placed(run, unit, 1);
                failures = 0;
            } catch (DrayException e) {
                last = e;
                failures++;
                boolean giveUp = failures == FAILURES_IN_A_ROW;
                synchronized (this) {
                    server.failed(run, unit);
                    failing.add(unit);
                    int rest = run.count() - i - 1;
                    if (giveUp && rest > 0) {
                        server.giveBack(run, unit + 1, rest);
                    }
                }
            }
        }
        if (last != null) {
            trouble.failed(last, waitedFor);
            pause();
            synchronized (this) {
                server.retryFailed();
                notifyAll();
            }
        }
    }

    private void pause() {
        long end = System.nanoTime() + 1_000_000 * Math.min(PAUSE_MS_MAX, PAUSE_MS << Math.min(5, trouble.count()));
        synchronized (this) {
            for (long left = end - System.nanoTime(); !stopped && left > 0; left = end - System.nanoTime()) {
                await(left / 1_000_000 + 1);
            }
        }
    }
}
