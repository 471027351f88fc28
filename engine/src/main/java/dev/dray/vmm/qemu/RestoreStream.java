package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Sends a guest's pages, in whatever order they get ready: each lane takes the next batch, decodes it into the
/// shape that goes on the wire, and sends it. A page is touched by the decoder and the socket only.
///
/// Threads: one for each lane; [#send] waits in the caller's.
final class RestoreStream {
    /// Regions up to this size may hold something in a fresh QEMU (firmware): their zero pages are sent too.
    private static final long FIRMWARE_BYTES_MAX = 64L << 20;

    private final RestoreImage image;
    private final GuestMemoryMap memory;
    private final boolean everyZero;
    private final OperationWatch watch;
    private final AtomicLong next = new AtomicLong();
    private final AtomicLong sentPages = new AtomicLong();
    private volatile @Nullable DrayException failure;
    private volatile boolean ended;

    /// @param everyZero whether the waiting memory may hold old content, so that zero pages have to be sent
    RestoreStream(RestoreImage image, GuestMemoryMap memory, boolean everyZero, OperationWatch watch) {
        this.image = image;
        this.memory = memory;
        this.everyZero = everyZero;
        this.watch = watch;
    }

    /// Sends all pages over these lanes, and returns when the last one is written.
    void send(List<? extends RestoreLane> lanes) throws DrayException {
        var threads = new ArrayList<Thread>();
        for (RestoreLane lane : lanes) {
            threads.add(Thread.ofPlatform().name("lane-" + threads.size()).start(() -> decode(lane)));
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            failure = new InterruptedOperation("Interrupted while memory was being sent", "", e);
        } finally {
            ended = true;
            threads.forEach(Threads::join);
        }
        if (failure != null) {
            throw failure;
        }
    }

    /// Grows with every batch that a lane is done with.
    long progress() {
        return next.get();
    }

    /// Page contents sent so far.
    long sentBytes() {
        return PageSize.offset(sentPages.get());
    }

    private void decode(RestoreLane lane) {
        long total = memory.bytes();
        try (PageReader pages = image.pageReader()) {
            RestoreBatch batch = lane.batch();
            while (!ended && failure == null && assign(batch, next.getAndIncrement())) {
                batch.read(pages);
                if (batch.worthSending()) {
                    lane.send(batch);
                }
                sentPages.addAndGet(batch.contents());
                watch.bytes(batch.doneBytes, total);
            }
        } catch (DrayException e) {
            fail(e);
        } catch (RuntimeException | Error e) {
            fail(new MachineException("A defect in Dray stopped the restore: " + e, "report it", e));
        }
    }

    /// The first failure counts: it makes the others.
    private synchronized void fail(DrayException why) {
        if (failure == null) {
            failure = why;
        }
    }

    /// Makes `batch` the batch with this number, counted over all regions; false if there are not so many.
    private boolean assign(RestoreBatch batch, long number) {
        long rest = number;
        long before = 0;
        for (int region = 0; region < memory.regions().size(); region++) {
            MemoryRegion each = memory.regions().get(region);
            long batches = (each.pages() + RestoreBatch.PAGES - 1) / RestoreBatch.PAGES;
            if (rest < batches) {
                long first = rest * RestoreBatch.PAGES;
                int count = (int) Math.min(RestoreBatch.PAGES, each.pages() - first);
                batch.is(region, first, count, everyZero || each.bytes() <= FIRMWARE_BYTES_MAX);
                batch.doneBytes = before + PageSize.offset(first + count);
                return true;
            }
            rest -= batches;
            before += each.bytes();
        }
        return false;
    }
}
