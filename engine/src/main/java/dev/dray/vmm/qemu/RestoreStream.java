package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.qemu.wire.StreamWriter;
import dev.dray.vmm.qemu.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Sends a guest's pages in any order, decoded by several threads ahead of one writer.
///
/// Each batch is decoded straight into the shape that goes on the wire, so that a page is touched by the decoder and
/// the
/// socket only. Threads: decoders of its own; [#send] runs in the caller's.
final class RestoreStream implements AutoCloseable {
    /// Pages in a batch: 1 MiB of them, few enough to stay in cache on their way.
    static final int BATCH_PAGES = 256;

    /// Regions up to this size may hold something in a fresh QEMU (firmware): their zero pages are sent too.
    private static final long FIRMWARE_BYTES_MAX = 64L << 20;

    private static final int DECODERS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

    private final RestoreImage image;
    private final GuestMemoryMap memory;
    private final boolean everyZero;
    private final OperationWatch watch;
    private final List<Thread> decoders = new ArrayList<>();
    private final List<MemorySegment> slabs = new ArrayList<>();
    private final BlockingQueue<Batch> free = new ArrayBlockingQueue<>(3 * DECODERS);
    private final BlockingQueue<Batch> decoded = new ArrayBlockingQueue<>(3 * DECODERS + DECODERS);
    private final AtomicLong next = new AtomicLong();
    private final AtomicInteger running = new AtomicInteger(DECODERS);
    private volatile @Nullable DrayException failure;
    private volatile boolean closed;
    private long sentPages;

    /// @param everyZero whether the waiting memory may hold old content, so that zero pages have to be sent
    RestoreStream(RestoreImage image, GuestMemoryMap memory, boolean everyZero, OperationWatch watch) {
        this.image = image;
        this.memory = memory;
        this.everyZero = everyZero;
        this.watch = watch;
        for (int i = 0; i < 3 * DECODERS; i++) {
            MemorySegment slab = NativeMemory.map((long) BATCH_PAGES * Wire.RECORD_BYTES);
            slabs.add(slab);
            free.add(new Batch(slab));
        }
    }

    /// Writes all pages into the memory section that `to` has begun.
    void send(StreamWriter to) throws DrayException {
        for (int i = 0; i < DECODERS; i++) {
            decoders.add(Thread.ofPlatform().name("decode-" + i).start(this::decode));
        }
        long total = memory.bytes();
        while (true) {
            Batch batch = take(decoded);
            if (failure != null) {
                throw failure;
            }
            if (batch == null) {
                if (running.get() == 0 && decoded.isEmpty()) {
                    return;
                }
                continue;
            }
            to.pages(batch.region, batch.first, batch.count, batch.slab, batch.kinds, batch.sendZeros);
            sentPages += batch.contents;
            watch.bytes(batch.doneBytes, total);
            free.add(batch);
        }
    }

    /// Page contents sent so far.
    long sentBytes() {
        return PageSize.offset(sentPages);
    }

    private static @Nullable Batch take(BlockingQueue<Batch> queue) throws InterruptedOperation {
        try {
            return queue.poll(20, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new InterruptedOperation("Interrupted while memory was being sent", "", e);
        }
    }

    private void decode() {
        try (PageReader pages = image.pageReader()) {
            while (!closed && failure == null) {
                Batch batch = take(free);
                if (batch == null) {
                    continue;
                }
                if (!assign(batch, next.getAndIncrement())) {
                    free.add(batch);
                    return;
                }
                long heads = batch.slab.address() + Wire.RECORD_HEAD_BYTES;
                pages.read(batch.region, batch.first, batch.count, heads, Wire.RECORD_BYTES, batch.kinds);
                (batch.worthSending() ? decoded : free).add(batch);
            }
        } catch (DrayException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            failure = new MachineException("A defect in Dray stopped the restore: " + e, "report it", e);
        } finally {
            running.decrementAndGet();
        }
    }

    /// Makes `batch` the batch with this number, counted over all regions; false if there are not so many.
    private boolean assign(Batch batch, long number) {
        long rest = number;
        long before = 0;
        for (int region = 0; region < memory.regions().size(); region++) {
            MemoryRegion each = memory.regions().get(region);
            long batches = (each.pages() + BATCH_PAGES - 1) / BATCH_PAGES;
            if (rest < batches) {
                batch.region = region;
                batch.first = rest * BATCH_PAGES;
                batch.count = (int) Math.min(BATCH_PAGES, each.pages() - batch.first);
                batch.sendZeros = everyZero || each.bytes() <= FIRMWARE_BYTES_MAX;
                batch.doneBytes = before + PageSize.offset(batch.first + batch.count);
                return true;
            }
            rest -= batches;
            before += each.bytes();
        }
        return false;
    }

    @Override
    public void close() {
        closed = true;
        for (Thread decoder : decoders) {
            boolean interrupted = false;
            while (decoder.isAlive()) {
                try {
                    decoder.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        slabs.forEach(NativeMemory::unmap);
    }

    /// Some pages in a row of one region, decoded into the shape of the wire.
    private static final class Batch {
        final MemorySegment slab;
        final byte[] kinds = new byte[BATCH_PAGES];
        int region;
        long first;
        int count;
        int contents;
        boolean sendZeros;
        long doneBytes;

        Batch(MemorySegment slab) {
            this.slab = slab;
        }

        /// Counts the pages with content, and says whether there is anything for the wire.
        boolean worthSending() {
            contents = 0;
            for (int i = 0; i < count; i++) {
                if (kinds[i] == PageKind.CONTENT.ordinal()) {
                    contents++;
                }
            }
            return contents > 0 || sendZeros;
        }
    }
}
