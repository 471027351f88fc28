package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageSize;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Fetches whole regions, all of their pages, in pieces that several threads take one after the other.
final class EagerFill {
    /// Pages in a piece: 4 MiB.
    private static final int PIECE_PAGES = 1024;

    /// Where the pages of one thread go; closed by it.
    interface Lane extends PageFetcher.Taker, AutoCloseable {
        /// A piece is complete.
        void pieceEnds() throws DrayException;

        @Override
        void close();
    }

    /// Makes the lane of one thread, in that thread.
    interface Lanes {
        Lane open(int number) throws DrayException;
    }

    private final RestoreImage image;
    private final List<Integer> regions;
    private final GuestMemoryMap memory;
    private final OperationWatch watch;
    private final long total;
    private final AtomicLong next = new AtomicLong();
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong contents = new AtomicLong();
    private @Nullable DrayException failure;
    private volatile boolean stopped;

    /// @param regions indices of the regions to fetch
    EagerFill(RestoreImage image, List<Integer> regions, OperationWatch watch) {
        this.image = image;
        this.regions = regions;
        this.memory = image.memory();
        this.watch = watch;
        this.total =
                regions.stream().mapToLong(i -> memory.regions().get(i).bytes()).sum();
    }

    /// Fetches everything and returns; the first failure of any thread is thrown when all have ended.
    void run(int threads, Lanes lanes) throws DrayException {
        var all = new ArrayList<Thread>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            all.add(Thread.ofPlatform().name("fill-" + i).start(() -> fill(number, lanes)));
        }
        all.forEach(Threads::join);
        DrayException first = failure();
        if (first != null) {
            throw first;
        }
    }

    /// Has the threads end after the pieces that they are at.
    void stop() {
        stopped = true;
    }

    boolean isStopped() {
        return stopped;
    }

    /// Page contents fetched so far.
    long contentBytes() {
        return PageSize.offset(contents.get());
    }

    private void fill(int number, Lanes lanes) {
        try (PageFetcher fetcher = new PageFetcher(image);
                Lane lane = lanes.open(number)) {
            while (!stopped && failure() == null && piece(next.getAndIncrement(), fetcher, lane)) {
                watch.bytes(done.get(), total);
            }
            contents.addAndGet(fetcher.contents());
        } catch (DrayException e) {
            fail(e);
        } catch (RuntimeException | Error e) {
            fail(new MachineException("A defect in Dray stopped the restore: " + e, "report it", e));
        }
    }

    /// Fetches the piece with this number, counted over all regions; false if there are not so many.
    private boolean piece(long number, PageFetcher fetcher, Lane lane) throws DrayException {
        long rest = number;
        for (int region : regions) {
            long pages = memory.regions().get(region).pages();
            long pieces = (pages + PIECE_PAGES - 1) / PIECE_PAGES;
            if (rest < pieces) {
                long first = rest * PIECE_PAGES;
                long count = Math.min(PIECE_PAGES, pages - first);
                fetcher.fetch(region, first, count, lane);
                lane.pieceEnds();
                done.addAndGet(PageSize.offset(count));
                return true;
            }
            rest -= pieces;
        }
        return false;
    }

    private synchronized @Nullable DrayException failure() {
        return failure;
    }

    private synchronized void fail(DrayException why) {
        if (failure == null) {
            failure = why;
        }
    }
}
