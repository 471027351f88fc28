package dev.dray.bench;

import dev.dray.blob.BlobStore;
import dev.dray.blob.DirectoryStore;
import dev.dray.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// What a directory store gives: packs of 16 MiB written (each durable when put returns), then pages of 4 KiB
/// read from them at random, from the page cache. Arguments: an absent directory on the disk to measure, and
/// threads.
public final class StoreSpeed {
    private static final int PACK_BYTES = 16 << 20;
    private static final int PACKS = 64;
    private static final int PAGE_BYTES = 4096;
    private static final int READS = 400_000;

    private StoreSpeed() {}

    public static void main(String[] args) throws Exception {
        int threads = Integer.parseInt(args[1]);
        try (BlobStore store = DirectoryStore.create(Path.of(args[0]));
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            time("put, MB/s", (double) PACKS * PACK_BYTES / 1e6, pool, threads, thread -> {
                MemorySegment pack = NativeMemory.map(PACK_BYTES);
                for (int i = thread; i < PACKS; i += threads) {
                    for (long at = 0; at < PACK_BYTES; at += PAGE_BYTES) {
                        pack.set(ValueLayout.JAVA_LONG, at, at * 0x9E3779B97F4A7C15L + i);
                    }
                    store.put(name(i), pack);
                }
                NativeMemory.unmap(pack);
            });
            for (int round = 0; round < 3; round++) {
                time("read 4 KiB at random, thousands/s", READS / 1e3, pool, threads, thread -> {
                    MemorySegment into = NativeMemory.map(PAGE_BYTES);
                    SplittableRandom random = new SplittableRandom(thread);
                    String[] names = new String[PACKS];
                    for (int i = 0; i < PACKS; i++) {
                        names[i] = name(i);
                    }
                    for (int i = 0; i < READS / threads; i++) {
                        long offset = (long) random.nextInt(PACK_BYTES / PAGE_BYTES) * PAGE_BYTES;
                        store.read(names[random.nextInt(PACKS)], offset, into);
                    }
                    NativeMemory.unmap(into);
                });
            }
        }
    }

    private interface Work {
        void run(int thread) throws Exception;
    }

    private static void time(String what, double amount, ExecutorService pool, int threads, Work work)
            throws Exception {
        long start = System.nanoTime();
        List<Future<?>> running = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            int number = thread;
            running.add(pool.submit(() -> {
                work.run(number);
                return null;
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(Locale.ROOT, "%s, %d threads: %.0f%n", what, threads, amount / seconds);
    }

    private static String name(int pack) {
        return String.format("packs/%032x", pack * 0x9E3779B9L);
    }
}
