package dev.dray.bench;

import dev.dray.blob.BlobStore;
import dev.dray.blob.DirectoryStore;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.page.PageReader;
import dev.dray.seal.Credential;
import dev.dray.snapshot.Compression;
import dev.dray.snapshot.Dedup;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.SnapshotReader;
import dev.dray.snapshot.SnapshotWriter;
import dev.dray.snapshot.VerifyScope;
import dev.dray.snapshot.Watch;
import dev.dray.snapshot.WriterOptions;
import dev.dray.state.MachineState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import tools.jackson.databind.node.JsonNodeFactory;

/// What the repository itself gives: pages from memory into a snapshot, encrypted, synced and published; the
/// same with 5 % of the pages changed; all pages back in order; single pages at random; verification.
///
/// Arguments: an absent directory on the disk to measure; MiB of guest; percent of the pages that do not
/// compress; `auto`, `none` or a level of zstd; workers.
public final class RepositorySpeed {
    private static final int READ_SECONDS = 3;

    private final MemorySegment memory;
    private final long pages;
    private final SplittableRandom random = new SplittableRandom(1);

    private RepositorySpeed(long bytes, int incompressiblePercent) {
        memory = NativeMemory.map(bytes);
        pages = PageSize.pages(bytes);
        for (long page = 0; page < pages; page++) {
            fill(page, random.nextInt(100) < incompressiblePercent);
        }
    }

    /// Words of a small vocabulary compress to about a third.
    private void fill(long page, boolean incompressible) {
        long at = PageSize.offset(page);
        for (int i = 0; i < PageSize.BYTES; i += Long.BYTES) {
            long word = random.nextLong();
            if (!incompressible && (i & 31) != 0) {
                word = 0x656c7469_74206120L + ((word & 3) << 8) + ((word & 1) << 40);
            }
            memory.set(ValueLayout.JAVA_LONG, at + i, word);
        }
    }

    public static void main(String[] args) throws Exception {
        Path place = Path.of(args[0]);
        long bytes = Long.parseLong(args[1]) << 20;
        RepositorySpeed speed = new RepositorySpeed(bytes, Integer.parseInt(args[2]));
        Compression compression = switch (args[3]) {
            case "auto" -> new Compression.Auto();
            case "none" -> new Compression.None();
            default -> new Compression.Zstd(Integer.parseInt(args[3]));
        };
        WriterOptions options = new WriterOptions("bench", compression, Integer.parseInt(args[4]), 8, bytes);
        Credential.Key key = new Credential.Key(new byte[32]);
        try (BlobStore store = DirectoryStore.create(place);
                Repository repository = Repository.init(store, Optional.of(key), Dedup.REPOSITORY)) {
            Snapshot first = speed.capture(repository, options, "first capture");
            speed.change(5);
            Snapshot second = speed.capture(repository, options, "second capture, 5 % changed");
            System.out.printf(
                    Locale.ROOT,
                    "second added %.1f MB for %.1f MB changed%n",
                    second.manifest().counters().addedBytes() / 1e6,
                    bytes * 0.05 / 1e6);
            speed.readAll(repository, second);
            for (int threads = 1; threads <= 2; threads++) {
                speed.readRandom(repository, second, threads);
                speed.readRandom(repository, first, threads);
            }
            verify(repository, bytes);
            speed.change(100);
            speed.capture(repository, options, "a capture of all new pages, warm");
        }
        String status = Files.readString(Path.of("/proc/self/status"));
        System.out.println(
                status.lines().filter(l -> l.startsWith("VmHWM")).findFirst().orElse("")
                        + " (the guest's memory included)");
    }

    private void change(int percent) {
        for (long page = 0; page < pages; page++) {
            if (random.nextInt(100) < percent) {
                fill(page, random.nextBoolean());
            }
        }
    }

    /// Tells time on the clock and of processors: on a machine that has other work, only the second says
    /// something.
    private static void report(String what, long bytes, long nanos, long cpuNanos) {
        System.out.printf(
                Locale.ROOT,
                "%-40s %8.1f ms  %7.0f MB/s; processors %8.1f ms, %7.0f MB/s each%n",
                what,
                nanos / 1e6,
                bytes * 1e3 / nanos,
                cpuNanos / 1e6,
                bytes * 1e3 / cpuNanos);
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private Snapshot capture(Repository repository, WriterOptions options, String what) throws Exception {
        GuestMemoryMap map =
                new GuestMemoryMap(List.of(new MemoryRegion("ram", memory.byteSize(), PageSize.BYTES, List.of())));
        long opened = System.nanoTime();
        try (SnapshotWriter writer = repository.writer(options)) {
            long cpu = cpu();
            long start = System.nanoTime();
            PageDestination to = writer.pages(map);
            long page = 0;
            while (page < pages) {
                PageBatch batch = to.take();
                int count = (int) Math.min(pages - page, 256);
                NativeMemory.copy(
                        batch.slab().address(),
                        memory.address() + PageSize.offset(page),
                        (long) count * PageSize.BYTES);
                for (int i = 0; i < count; i++) {
                    batch.add(0, page + i, batch.slab().address() + (long) i * PageSize.BYTES);
                }
                to.submit(batch);
                page += count;
            }
            to.drain();
            long drained = System.nanoTime();
            MachineState state = new MachineState("qemu", new TreeMap<>());
            Snapshot snapshot = writer.publish(new dev.dray.snapshot.Publication(
                    Instant.now(), "stop", "bench", new TreeMap<>(), state, JsonNodeFactory.instance.objectNode()));
            long end = System.nanoTime();
            report(what, memory.byteSize(), end - start, cpu() - cpu);
            System.out.printf(
                    Locale.ROOT,
                    "    open %.1f ms, pages %.1f ms, publish %.1f ms; stored %.1f MB, added %.1f MB%n",
                    (start - opened) / 1e6,
                    (drained - start) / 1e6,
                    (end - drained) / 1e6,
                    snapshot.manifest().counters().storedBytes() / 1e6,
                    snapshot.manifest().counters().addedBytes() / 1e6);
            return snapshot;
        }
    }

    private void readAll(Repository repository, Snapshot snapshot) throws Exception {
        for (int round = 0; round < 2; round++) {
            long cpu = cpu();
            long start = System.nanoTime();
            List<Thread> threads = new ArrayList<>();
            try (SnapshotReader reader = repository.reader(snapshot)) {
                for (int t = 0; t < 2; t++) {
                    int half = t;
                    threads.add(Thread.ofPlatform().start(() -> readHalf(reader, half)));
                }
                for (Thread thread : threads) {
                    thread.join();
                }
            }
            report("all pages in order, 2 threads", memory.byteSize(), System.nanoTime() - start, cpu() - cpu);
        }
    }

    private void readHalf(SnapshotReader reader, int half) {
        MemorySegment into = NativeMemory.map(1 << 20);
        try (PageReader pageReader = reader.pageReader()) {
            byte[] kinds = new byte[256];
            for (long page = half * 256L; page < pages; page += 512) {
                int count = (int) Math.min(pages - page, 256);
                pageReader.read(0, page, count, into.address(), PageSize.BYTES, kinds);
            }
        } catch (dev.dray.error.DrayException e) {
            throw new IllegalStateException(e);
        } finally {
            NativeMemory.unmap(into);
        }
    }

    private void readRandom(Repository repository, Snapshot snapshot, int threads) throws Exception {
        try (SnapshotReader reader = repository.reader(snapshot)) {
            long[] reads = new long[threads];
            List<Thread> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int index = t;
                all.add(Thread.ofPlatform().start(() -> reads[index] = randomReads(reader, index)));
            }
            for (Thread thread : all) {
                thread.join();
            }
            System.out.printf(
                    Locale.ROOT,
                    "random pages, %d threads, snapshot %d: %.0f pages/s%n",
                    threads,
                    snapshot.manifest().number(),
                    (double) Arrays.stream(reads).sum() / READ_SECONDS);
        }
    }

    private long randomReads(SnapshotReader reader, int index) {
        com.sun.management.ThreadMXBean beans = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        MemorySegment into = NativeMemory.map(PageSize.BYTES);
        int[] nanos = new int[1 << 20];
        byte[] kinds = new byte[1];
        int count = 0;
        SplittableRandom choice = new SplittableRandom(index);
        try (PageReader pageReader = reader.pageReader()) {
            long end = System.nanoTime() + READ_SECONDS * 1_000_000_000L;
            long now;
            long allocated = 0;
            while ((now = System.nanoTime()) < end && count < nanos.length) {
                pageReader.read(0, choice.nextLong(pages), 1, into.address(), PageSize.BYTES, kinds);
                nanos[count++] = (int) (System.nanoTime() - now);
                if (count == 200_000) {
                    allocated = beans.getCurrentThreadAllocatedBytes();
                }
            }
            allocated = beans.getCurrentThreadAllocatedBytes() - allocated;
            double perPage = count > 200_000 ? (double) allocated / (count - 200_000) : -1;
            int total = count;
            Arrays.sort(nanos, 0, count);
            System.out.printf(
                    Locale.ROOT,
                    "    one page: p50 %.1f us, p99 %.1f us; %.2f bytes allocated a page after the first 200000%n",
                    nanos[total / 2] / 1e3,
                    nanos[total * 99 / 100] / 1e3,
                    perPage);
            return total;
        } catch (dev.dray.error.DrayException e) {
            throw new IllegalStateException(e);
        } finally {
            NativeMemory.unmap(into);
        }
    }

    private static void verify(Repository repository, long bytes) throws Exception {
        long cpu = cpu();
        long start = System.nanoTime();
        var report = repository.verifier().all(new VerifyScope.Data(), Watch.none());
        report("verify --data", report.bytes(), System.nanoTime() - start, cpu() - cpu);
        if (!report.sound()) {
            throw new IllegalStateException(report.findings().getFirst().message() + " of " + bytes);
        }
    }
}
