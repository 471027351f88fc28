package dev.dray.bench;

import dev.dray.blob.BlobStore;
import dev.dray.blob.DirectoryStore;
import dev.dray.linux.NativeMemory;
import dev.dray.snapshot.Compression;
import dev.dray.snapshot.FramePath;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/// What frames of 4 and of 16 KiB give on dumps of guest memory, through the path that captures and restores
/// take: the ratio, what a later dump adds, write speed, and the time to read and decode one.
///
/// Arguments: an absent directory for the packs, then dumps of one guest's memory, oldest first.
public final class FrameSize {
    private static final int[] FRAME_BYTES = {4096, 16384};
    private static final int ROUNDS = 3;
    private static final int READS = 60_000;

    private FrameSize() {}

    public static void main(String[] args) throws Exception {
        List<MemorySegment> dumps = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            dumps.add(load(Path.of(args[i])));
        }
        int place = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (int level : new int[] {-1, 1, 3}) {
                for (int bytes : FRAME_BYTES) {
                    Path directory = Path.of(args[0]).resolve("" + place++);
                    measure(directory, dumps, level, bytes, round == ROUNDS - 1);
                }
            }
        }
    }

    private static MemorySegment load(Path dump) throws Exception {
        try (FileChannel file = FileChannel.open(dump)) {
            MemorySegment memory = NativeMemory.map(file.size());
            ByteBuffer into = memory.asByteBuffer();
            while (into.hasRemaining() && file.read(into) >= 0) {
                // until all is read
            }
            return memory;
        }
    }

    private static void measure(Path directory, List<MemorySegment> dumps, int level, int frameBytes, boolean last)
            throws Exception {
        try (BlobStore store = DirectoryStore.create(directory);
                FramePath path = new FramePath(store, new Compression.Zstd(level), frameBytes)) {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "zstd %2d, %5d:", level, frameBytes));
            for (MemorySegment dump : dumps) {
                long before = path.sealedBytes();
                long framesBefore = path.frames();
                long cpu = cpu();
                long start = System.nanoTime();
                long content = add(path, dump, frameBytes);
                path.write();
                long nanos = System.nanoTime() - start;
                long stored = path.sealedBytes() - before;
                line.append(String.format(
                        Locale.ROOT,
                        " content %.1f MB, stored %.2f MB in %d frames, %.0f MB/s (%.0f a processor);",
                        content / 1e6,
                        stored / 1e6,
                        path.frames() - framesBefore,
                        content * 1e3 / nanos,
                        content * 1e3 / (cpu() - cpu)));
            }
            line.append(reads(path));
            if (last) {
                System.out.println(line);
            }
        }
    }

    private static long add(FramePath path, MemorySegment dump, int frameBytes) throws Exception {
        ByteBuffer view = dump.asByteBuffer();
        long content = 0;
        for (int at = 0; at + frameBytes <= dump.byteSize(); at += frameBytes) {
            if (!NativeMemory.isZero(dump.address() + at, frameBytes)) {
                path.add(view, dump.address(), at);
                content += frameBytes;
            }
        }
        return content;
    }

    /// Times of single frames at random, from the page cache.
    private static String reads(FramePath path) throws Exception {
        int[] raw = new int[READS];
        int[] compressed = new int[READS];
        int raws = 0;
        int compresseds = 0;
        SplittableRandom random = new SplittableRandom(7);
        try (FramePath.Reader reader = path.new Reader()) {
            for (int i = 0; i < READS; i++) {
                int index = random.nextInt(path.frames());
                long start = System.nanoTime();
                reader.read(index);
                int nanos = (int) (System.nanoTime() - start);
                if (reader.compressed(index)) {
                    compressed[compresseds++] = nanos;
                } else {
                    raw[raws++] = nanos;
                }
            }
        }
        Arrays.sort(raw, 0, raws);
        Arrays.sort(compressed, 0, compresseds);
        return String.format(
                Locale.ROOT,
                " one frame: compressed (%d %%) p50 %.1f us, raw p50 %.1f us",
                100 * compresseds / READS,
                compressed[compresseds / 2] / 1e3,
                raw[raws / 2] / 1e3);
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }
}
