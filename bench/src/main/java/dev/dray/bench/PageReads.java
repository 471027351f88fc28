package dev.dray.bench;

import dev.dray.blob.DirectoryStore;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.page.PageReader;
import dev.dray.seal.Credential;
import dev.dray.seal.Randomness;
import dev.dray.snapshot.Dedup;
import dev.dray.snapshot.Publication;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.SnapshotReader;
import dev.dray.snapshot.SnapshotWriter;
import dev.dray.snapshot.WriterOptions;
import dev.dray.state.MachineState;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/// Single pages at random from an encrypted, compressed snapshot of 1 GiB, beside `pread` of the same memory in a plain
/// file. Cold: nothing of either is in the page cache. Cached: all of it is. Then with two threads. No arguments.
public final class PageReads {
    private static final long MEMORY_BYTES = 1L << 30;
    private static final int PAGE_BYTES = 4096;
    private static final long PAGES = MEMORY_BYTES / PAGE_BYTES;
    private static final int COLD_READS = 20_000;
    private static final int CACHED_READS = 200_000;
    private static final int THREADS = 2;
    private static final int BATCH_PAGES = 256;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private PageReads() {}

    /// One thread's way to read a page.
    private interface Reads extends AutoCloseable {
        void page(long number) throws Exception;

        @Override
        void close() throws IOException;
    }

    public static void main(String[] args) throws Exception {
        try (Workplace at = Workplace.make()) {
            System.out.println("one page at random, 1 GiB, half incompressible");
            System.out.println(Host.line());
            Path plain = at.file("plain");
            DirectoryStore.create(at.file("repository")).close();
            var key = new Credential.Key(Randomness.bytes(32));
            try (Repository repository = Repository.init(
                            DirectoryStore.open(at.file("repository")), Optional.of(key), Dedup.REPOSITORY);
                    SnapshotReader snapshot = repository.reader(repository.find(write(repository, plain)))) {
                measure(at, plain, snapshot);
            }
        }
    }

    private static void measure(Workplace at, Path plain, SnapshotReader snapshot) throws Exception {
        Callable<Reads> dray = () -> new SnapshotReads(snapshot.pageReader());
        Callable<Reads> pread = () -> new FileReads(FileChannel.open(plain, StandardOpenOption.READ));
        Samples micros = new Samples("us");
        Samples rate = new Samples("thousand pages/s");
        for (int round = 0; round <= Workplace.rounds(); round++) {
            boolean counts = round > 0;
            forget(at);
            times("pread, cold", pread, COLD_READS, round, counts, micros);
            times("dray, cold", dray, COLD_READS, round, counts, micros);
            remember(at);
            times("pread, cached", pread, CACHED_READS, round, counts, micros);
            times("dray, cached", dray, CACHED_READS, round, counts, micros);
            double plainRate = together(pread, round);
            double drayRate = together(dray, round);
            if (counts) {
                rate.add("pread, cached, " + THREADS + " threads", plainRate);
                rate.add("dray, cached, " + THREADS + " threads", drayRate);
            }
        }
        micros.print("");
        System.out.printf(
                "ratio of medians: cold %.2f, cached %.2f%n",
                micros.ratio("dray, cold, median", "pread, cold, median"),
                micros.ratio("dray, cached, median", "pread, cached, median"));
        rate.print("pread, cached, " + THREADS + " threads");
    }

    private static void times(String what, Callable<Reads> kind, int count, int seed, boolean counts, Samples micros)
            throws Exception {
        long[] nanos = new long[count];
        SplittableRandom random = new SplittableRandom(seed);
        try (Reads reads = kind.call()) {
            for (int i = 0; i < count; i++) {
                long page = random.nextLong(PAGES);
                long from = System.nanoTime();
                reads.page(page);
                nanos[i] = System.nanoTime() - from;
            }
        }
        if (counts) {
            Arrays.sort(nanos);
            micros.add(what + ", median", nanos[count / 2] / 1e3);
            micros.add(what + ", p99", nanos[(int) (count * 0.99)] / 1e3);
        }
    }

    /// @return thousands of pages a second
    private static double together(Callable<Reads> kind, int seed) throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
            long from = System.nanoTime();
            List<Future<Object>> running = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                SplittableRandom random = new SplittableRandom(seed * 31L + thread);
                running.add(pool.submit(() -> {
                    try (Reads reads = kind.call()) {
                        for (int i = 0; i < CACHED_READS; i++) {
                            reads.page(random.nextLong(PAGES));
                        }
                    }
                    return "";
                }));
            }
            for (Future<Object> one : running) {
                one.get();
            }
            return THREADS * CACHED_READS / ((System.nanoTime() - from) / 1e9) / 1e3;
        }
    }

    private static final class SnapshotReads implements Reads {
        private final PageReader reader;
        private final MemorySegment into = NativeMemory.map(PAGE_BYTES);
        private final byte[] kinds = new byte[1];

        SnapshotReads(PageReader reader) {
            this.reader = reader;
        }

        @Override
        public void page(long number) throws Exception {
            reader.read(0, number, 1, into.address(), PAGE_BYTES, kinds);
        }

        @Override
        public void close() {
            reader.close();
            NativeMemory.unmap(into);
        }
    }

    private record FileReads(FileChannel file, ByteBuffer into) implements Reads {
        FileReads(FileChannel file) {
            this(file, ByteBuffer.allocateDirect(PAGE_BYTES));
        }

        @Override
        public void page(long number) throws Exception {
            into.clear();
            file.read(into, number * PAGE_BYTES);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    /// Writes memory of which half the pages are random and half compress to about a third, into a snapshot and a file.
    ///
    /// @return the snapshot's id
    private static String write(Repository repository, Path plain) throws Exception {
        var map = new GuestMemoryMap(List.of(new MemoryRegion("ram", MEMORY_BYTES, PAGE_BYTES, List.of())));
        SplittableRandom random = new SplittableRandom(1);
        try (SnapshotWriter writer = repository.writer(WriterOptions.of("bench"));
                FileChannel file = FileChannel.open(plain, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            PageDestination pages = writer.pages(map);
            for (long first = 0; first < PAGES; first += BATCH_PAGES) {
                PageBatch batch = pages.take();
                MemorySegment slab = batch.slab().asSlice(0, (long) BATCH_PAGES * PAGE_BYTES);
                for (int i = 0; i < BATCH_PAGES; i++) {
                    MemorySegment page = slab.asSlice((long) i * PAGE_BYTES, PAGE_BYTES);
                    fill(page, random);
                    batch.add(0, first + i, page.address());
                }
                ByteBuffer bytes = slab.asByteBuffer();
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
                pages.submit(batch);
            }
            file.force(true);
            var state = new MachineState("bench", new TreeMap<>());
            var facts = JsonMapper.shared().createObjectNode();
            return writer.publish(new Publication(Instant.now(), "stop", "bench", new TreeMap<>(), state, facts))
                    .id();
        }
    }

    private static void fill(MemorySegment page, SplittableRandom random) {
        boolean compressible = random.nextBoolean();
        for (int i = 0; i < PAGE_BYTES / Long.BYTES; i++) {
            boolean repeats = compressible && i % 3 != 0;
            page.setAtIndex(LONG, i, repeats ? 0x2020202020202020L : random.nextLong());
        }
    }

    /// Takes what was written out of the page cache. Only what is on the disk can go; all of it is.
    private static void forget(Workplace at) throws Exception {
        for (Path file : files(at)) {
            Process dd = new ProcessBuilder("dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            dd.waitFor();
        }
    }

    /// Puts it in.
    private static void remember(Workplace at) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        for (Path each : files(at)) {
            try (FileChannel file = FileChannel.open(each, StandardOpenOption.READ)) {
                while (file.read(buffer.clear()) >= 0) {
                    // only for the cache
                }
            }
        }
    }

    private static List<Path> files(Workplace at) throws Exception {
        try (Stream<Path> all = Files.walk(at.directory())) {
            return all.filter(Files::isRegularFile).toList();
        }
    }
}
