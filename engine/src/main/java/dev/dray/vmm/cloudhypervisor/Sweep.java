package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.vmm.Threads;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// One pass over all of a guest's memory by several threads, which takes what is not as it was seen last.
/// Nothing is allocated per page.
final class Sweep {
    /// Says regularly whether to go on: throws if not.
    interface Tick {
        void check() throws DrayException;
    }

    private final MemoryCursor cursor;
    private final PageHash hash;
    private final Staging staging;
    private final AtomicLong changed = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private Sweep(List<MemoryFile> files, PageHash hash, Staging staging) {
        this.cursor = new MemoryCursor(files);
        this.hash = hash;
        this.staging = staging;
    }

    /// Puts every changed page into `staging`.
    ///
    /// @param feed where staged pages go meanwhile: all of them, or only those for which staging has no room
    /// @param stores whether they all go
    /// @return how many pages were changed
    static long run(
            List<MemoryFile> files,
            PageHash hash,
            Staging staging,
            PageFeed feed,
            boolean stores,
            int threads,
            Tick tick)
            throws DrayException {
        Sweep sweep = new Sweep(files, hash, staging);
        CountDownLatch left = new CountDownLatch(threads);
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            workers.add(Thread.ofPlatform().name("sweep-" + i).start(() -> sweep.work(left)));
        }
        try {
            while (!await(left)) {
                tick.check();
                while ((stores || staging.isExhausted()) && staging.storeOne(feed)) {
                    tick.check();
                }
            }
        } catch (DrayException | RuntimeException | Error e) {
            sweep.failure.compareAndSet(null, e);
            workers.forEach(Thread::interrupt);
        } finally {
            workers.forEach(Threads::join);
        }
        sweep.rethrow();
        return sweep.changed.get();
    }

    private static boolean await(CountDownLatch left) throws InterruptedOperation {
        try {
            return left.await(1, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation("Interrupted", "", e);
        }
    }

    private void rethrow() throws DrayException {
        switch (failure.get()) {
            case null -> {}
            case DrayException expected -> throw expected;
            case Throwable defect -> throw new IllegalStateException("A pass over the guest's memory failed", defect);
        }
    }

    private void work(CountDownLatch left) {
        try {
            MemorySegment buffer = NativeMemory.map(MemoryCursor.DATA_PAGES * PageSize.BYTES);
            try {
                new Worker(buffer).run();
            } finally {
                NativeMemory.unmap(buffer);
            }
        } catch (DrayException | RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        } finally {
            left.countDown();
        }
    }

    /// One thread's part.
    private final class Worker {
        private final MemorySegment buffer;
        private @Nullable PageBatch batch;
        private int contents;
        private long taken;

        Worker(MemorySegment buffer) {
            this.buffer = buffer;
        }

        void run() throws DrayException {
            MemoryCursor.Piece piece = cursor.piece();
            while (failure.get() == null && cursor.next(piece)) {
                if (piece.hole) {
                    takeEmptied(piece);
                } else {
                    takeChanged(piece);
                }
            }
            PageBatch last = batch;
            if (last != null) {
                staging.put(last);
            }
            changed.addAndGet(taken);
        }

        /// A page that was seen and is a hole now was given back by the guest: it reads as zeros.
        private void takeEmptied(MemoryCursor.Piece piece) throws DrayException {
            MemoryFile file = piece.file;
            for (long page = piece.first; page < piece.first + piece.count; page++) {
                long sum = file.sum(page);
                if (sum != MemoryFile.NEVER && sum != MemoryFile.ZEROS) {
                    file.setSum(page, MemoryFile.ZEROS);
                    add(file, page, PageBatch.ZERO);
                }
            }
        }

        private void takeChanged(MemoryCursor.Piece piece) throws DrayException {
            MemoryFile file = piece.file;
            file.read(piece.first, piece.count, buffer.address());
            for (int i = 0; i < piece.count; i++) {
                long offset = (long) i * PageSize.BYTES;
                long sum = sum(hash, buffer, offset);
                if (sum != file.sum(piece.first + i)) {
                    file.setSum(piece.first + i, sum);
                    add(file, piece.first + i, sum == MemoryFile.ZEROS ? PageBatch.ZERO : buffer.address() + offset);
                }
            }
        }

        private void add(MemoryFile file, long page, long address) throws DrayException {
            PageBatch current = batch;
            if (current == null || current.isFull() || contents == Staging.BATCH_PAGES) {
                if (current != null) {
                    staging.put(current);
                }
                batch = null; // nobody's while we wait
                current = staging.take();
                batch = current;
                contents = 0;
            }
            if (address == PageBatch.ZERO) {
                current.add(file.region(), page, PageBatch.ZERO);
            } else {
                long place = current.slab().address() + (long) contents * PageSize.BYTES;
                NativeMemory.copy(place, address, PageSize.BYTES);
                current.add(file.region(), page, place);
                contents++;
            }
            taken++;
        }
    }

    /// What is kept of a page with these contents.
    static long sum(PageHash hash, MemorySegment memory, long offset) {
        long sum = hash.of(memory, offset);
        if (sum == hash.ofZeros() && NativeMemory.isZero(memory.address() + offset, PageSize.BYTES)) {
            return MemoryFile.ZEROS;
        }
        return sum == MemoryFile.NEVER || sum == MemoryFile.ZEROS ? sum + 2 : sum;
    }
}
