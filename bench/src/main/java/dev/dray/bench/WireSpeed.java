package dev.dray.bench;

import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.vmm.qemu.wire.ByteSource;
import dev.dray.vmm.qemu.wire.Configuration;
import dev.dray.vmm.qemu.wire.RamBlocks;
import dev.dray.vmm.qemu.wire.StreamEvents;
import dev.dray.vmm.qemu.wire.StreamForm;
import dev.dray.vmm.qemu.wire.StreamLimits;
import dev.dray.vmm.qemu.wire.StreamReader;
import dev.dray.vmm.qemu.wire.StreamWriter;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;

/// How fast a QEMU stream is parsed into page batches that go nowhere, in CPU time of the reading thread; a copy out
/// of memory stands for the socket. No arguments. Five runs, of content pages, zero pages and every other one.
public final class WireSpeed {
    private static final int PAGES = 16_000;
    private static final int SOCKET_BYTES = 200 << 10;
    private static final int RUNS = 5;

    /// Takes batches and throws their pages away.
    private static final class Nowhere implements PageDestination, StreamEvents {
        private final ArrayDeque<PageBatch> free = new ArrayDeque<>();
        private long pages;

        Nowhere() {
            for (int i = 0; i < 4; i++) {
                free.add(new PageBatch(Arena.ofAuto().allocate(1 << 20, 64), 256));
            }
        }

        @Override
        public PageDestination memory(Configuration configuration, GuestMemoryMap map) {
            return this;
        }

        @Override
        public PageBatch take() {
            return free.remove();
        }

        @Override
        public void submit(PageBatch batch) {
            pages += batch.count();
            giveBack(batch);
        }

        @Override
        public void giveBack(PageBatch batch) {
            batch.clear();
            free.add(batch);
        }

        @Override
        public void drain() {}
    }

    private WireSpeed() {}

    public static void main(String[] arguments) throws Exception {
        for (int run = 0; run < RUNS; run++) {
            line("content", 1, 60);
            line("zero", 0, 600);
            line("every other", 2, 60);
        }
    }

    /// @param contentEvery every such page has contents, the others are zero; 0 for none
    /// @param rounds how often the pages are sent
    private static void line(String what, int contentEvery, int rounds) throws Exception {
        List<byte[]> pieces = pieces(contentEvery);
        MemorySegment[] parts = new MemorySegment[rounds + 2];
        for (int i = 0; i < parts.length; i++) {
            byte[] bytes = pieces.get(i == 0 ? 0 : i <= rounds ? 1 : 2);
            parts[i] = i > 1 && i <= rounds ? parts[1] : Arena.ofAuto().allocate(bytes.length);
            parts[i].copyFrom(MemorySegment.ofArray(bytes));
        }
        var nowhere = new Nowhere();
        var reader = new StreamReader(source(parts), StreamForm.CLOSING, StreamLimits.DEFAULT, nowhere);
        long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        reader.read();
        long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before;
        double bytes = (double) pieces.get(1).length * rounds;
        System.out.printf(
                Locale.ROOT,
                "%-12s %6.2f GB/s of stream, %6.1f million pages/s%n",
                what,
                bytes / nanos,
                nowhere.pages * 1e3 / nanos);
    }

    private static ByteSource source(MemorySegment[] parts) {
        var part = new int[1];
        var offset = new long[1];
        return into -> {
            if (part[0] == parts.length) {
                return -1;
            }
            MemorySegment from = parts[part[0]];
            long count = Math.min(Math.min(into.byteSize(), SOCKET_BYTES), from.byteSize() - offset[0]);
            MemorySegment.copy(from, offset[0], into, 0, count);
            offset[0] += count;
            if (offset[0] == from.byteSize()) {
                offset[0] = 0;
                part[0]++;
            }
            return (int) count;
        };
    }

    /// What comes before the rounds, one round, and what comes behind.
    private static List<byte[]> pieces(int contentEvery) throws Exception {
        var out = new ByteArrayOutputStream();
        var writer = new StreamWriter(from -> out.writeBytes(from.toArray(ValueLayout.JAVA_BYTE)));
        var region = new MemoryRegion("pc.ram", 1L << 30, 4096, List.of());
        writer.header();
        writer.configuration(Configuration.of("pc"));
        writer.memoryStart(new RamBlocks(1, new GuestMemoryMap(List.of(region))), false);
        byte[] head = taken(writer, out);
        MemorySegment content = MemorySegment.ofArray(new byte[4096]);
        writer.beginPart();
        for (int page = 0; page < PAGES; page++) {
            if (contentEvery > 0 && page % contentEvery == 0) {
                writer.page(0, page, content);
            } else {
                writer.zeroPage(0, page);
            }
        }
        writer.endSection();
        byte[] round = taken(writer, out);
        writer.beginEnd();
        writer.endSection();
        // One device section without payload, and its description.
        writer.raw(new byte[] {4, 0, 0, 0, 9, 1, 'd', 0, 0, 0, 0, 0, 0, 0, 1, 0x7e, 0, 0, 0, 9});
        writer.endOfSections();
        writer.description(
                "{\"devices\": [{\"name\": \"d\", \"instance_id\": 0}]}".getBytes(StandardCharsets.US_ASCII));
        return List.of(head, round, taken(writer, out));
    }

    private static byte[] taken(StreamWriter writer, ByteArrayOutputStream out) throws Exception {
        writer.flush();
        byte[] bytes = out.toByteArray();
        out.reset();
        return bytes;
    }
}
