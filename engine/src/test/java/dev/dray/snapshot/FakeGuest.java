package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.DrayException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.page.PageReader;
import dev.dray.state.MachineState;
import dev.dray.testbed.Gen;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A guest made of arrays: what a test captures, and what it must read back.
final class FakeGuest {
    final GuestMemoryMap map;

    /// By region; a page that is null is absent.
    final List<byte[][]> pages = new ArrayList<>();

    SortedMap<String, byte[]> state = new TreeMap<>();

    /// @param regionPages pages of each region
    FakeGuest(int... regionPages) {
        List<MemoryRegion> regions = new ArrayList<>();
        long gpa = 0;
        for (int i = 0; i < regionPages.length; i++) {
            long bytes = PageSize.offset(regionPages[i]);
            regions.add(new MemoryRegion("ram" + i, bytes, PageSize.BYTES, List.of(new GpaRange(gpa, 0, bytes))));
            gpa += bytes + (1 << 20);
            pages.add(new byte[regionPages[i]][]);
        }
        map = new GuestMemoryMap(regions);
    }

    /// Random pages of all sorts: absent, zero, text, random, repeated.
    FakeGuest fill(Gen gen) {
        byte[] common = text(gen);
        for (byte[][] region : pages) {
            for (int i = 0; i < region.length; i++) {
                region[i] = switch (gen.between(0, 5)) {
                    case 0 -> null;
                    case 1 -> new byte[PageSize.BYTES];
                    case 2 -> common.clone();
                    case 3, 4 -> text(gen);
                    default -> gen.bytes(PageSize.BYTES);
                };
            }
        }
        state.put("configuration", gen.bytes(gen.between(0, 300)));
        state.put("devices", gen.bytes(gen.between(0, 5000)));
        return this;
    }

    static byte[] text(Gen gen) {
        byte[] page = new byte[PageSize.BYTES];
        byte[] word = gen.bytes(gen.between(5, 60));
        for (int i = 0; i < page.length; i++) {
            page[i] = word[i % word.length];
        }
        byte[] some = gen.bytes(16);
        System.arraycopy(some, 0, page, gen.between(0, PageSize.BYTES - 16), 16);
        return page;
    }

    FakeGuest copy() {
        int[] counts = pages.stream().mapToInt(p -> p.length).toArray();
        FakeGuest copy = new FakeGuest(counts);
        for (int region = 0; region < counts.length; region++) {
            System.arraycopy(pages.get(region), 0, copy.pages.get(region), 0, counts[region]);
        }
        copy.state = new TreeMap<>(state);
        return copy;
    }

    Snapshot capture(Repository repository, String name) throws DrayException {
        return capture(repository, WriterOptions.of(name));
    }

    Snapshot capture(Repository repository, WriterOptions options) throws DrayException {
        try (SnapshotWriter writer = repository.writer(options)) {
            PageDestination to = writer.pages(map);
            send(to);
            return writer.publish(publication());
        }
    }

    Publication publication() {
        ObjectNode facts = JsonNodeFactory.instance.objectNode();
        facts.put("host", "here").putArray("disks").add("vda");
        return new Publication(
                Instant.parse("2026-11-21T09:00:00Z"),
                "stop",
                "qemu 7.2.22",
                new TreeMap<>(java.util.Map.of("k", "v")),
                new MachineState("qemu", state),
                facts);
    }

    void send(PageDestination to) throws DrayException {
        Sender sender = new Sender(to);
        for (int region = 0; region < pages.size(); region++) {
            for (int page = 0; page < pages.get(region).length; page++) {
                byte[] bytes = pages.get(region)[page];
                if (bytes != null) {
                    sender.page(region, page, bytes);
                }
            }
        }
        sender.end();
    }

    /// Fills batches.
    static final class Sender {
        private final PageDestination to;
        private PageBatch batch;
        private long used;

        Sender(PageDestination to) throws DrayException {
            this.to = to;
            batch = to.take();
        }

        void page(int region, long page, byte[] bytes) throws DrayException {
            if (batch.isFull() || used + PageSize.BYTES > batch.slab().byteSize()) {
                flush();
            }
            if (Arrays.equals(bytes, new byte[PageSize.BYTES]) && page % 2 == 0) {
                batch.add(region, page, PageBatch.ZERO);
                return;
            }
            MemorySegment.copy(bytes, 0, batch.slab(), ValueLayout.JAVA_BYTE, used, PageSize.BYTES);
            batch.add(region, page, batch.slab().address() + used);
            used += PageSize.BYTES;
        }

        void flush() throws DrayException {
            to.submit(batch);
            batch = to.take();
            used = 0;
        }

        void end() throws DrayException {
            to.submit(batch);
        }
    }

    /// Reads everything back and compares.
    void assertEqual(Repository repository, Snapshot snapshot, String context) throws DrayException {
        try (SnapshotReader reader = repository.reader(snapshot);
                PageReader pageReader = reader.pageReader();
                Arena arena = Arena.ofConfined()) {
            assertThat(reader.manifest().memory()).isEqualTo(map);
            MachineState read = reader.state();
            assertThat(read.parts().keySet()).isEqualTo(state.keySet());
            state.forEach((part, bytes) ->
                    assertThat(read.parts().get(part)).as(context).isEqualTo(bytes));
            int stride = 77 + PageSize.BYTES;
            MemorySegment into = arena.allocate(64L * stride);
            byte[] kinds = new byte[64];
            for (int region = 0; region < pages.size(); region++) {
                byte[][] expected = pages.get(region);
                for (int first = 0; first < expected.length; first += 64) {
                    int count = Math.min(64, expected.length - first);
                    pageReader.read(region, first, count, into.address(), stride, kinds);
                    for (int i = 0; i < count; i++) {
                        assertPage(
                                expected[first + i],
                                kinds[i],
                                into,
                                (long) i * stride,
                                context + " page " + (first + i));
                    }
                }
            }
        }
    }

    private static void assertPage(byte[] expected, byte kind, MemorySegment into, long at, String context) {
        if (expected == null) {
            assertThat(kind).as(context).isEqualTo((byte) PageKind.ABSENT.ordinal());
        } else if (Arrays.equals(expected, new byte[PageSize.BYTES])) {
            assertThat(kind).as(context).isEqualTo((byte) PageKind.ZERO.ordinal());
        } else {
            assertThat(kind).as(context).isEqualTo((byte) PageKind.CONTENT.ordinal());
            byte[] read = into.asSlice(at, PageSize.BYTES).toArray(ValueLayout.JAVA_BYTE);
            assertThat(Arrays.equals(read, expected)).as(context).isTrue();
        }
    }
}
