package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.state.MachineState;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import tools.jackson.databind.node.JsonNodeFactory;

/// A small guest, made up, that is published to nowhere. What a JVM does for the first time takes it tens of
/// milliseconds, which are better spent before a guest stands still until it is stored.
final class PublishRehearsal {
    private static final int SEGMENTS = 8;
    private static final int CONTENTS_IN_SEGMENT = 32;
    private static final long PAGES = (long) SEGMENTS * Format.SEGMENT_PAGES;
    private static final WriterOptions OPTIONS =
            new WriterOptions("rehearsal", new Compression.Auto(), 1, WriterOptions.BATCHES_MIN, 0);

    private PublishRehearsal() {}

    /// @param repository one whose store is [Nowhere]
    static void run(Repository repository) throws DrayException {
        long bytes = PageSize.offset(PAGES);
        var region = new MemoryRegion("memory", bytes, PageSize.BYTES, List.of(new GpaRange(0, 0, bytes)));
        var state = new MachineState(OPTIONS.name(), new TreeMap<>(Map.of("state", new byte[PageSize.BYTES])));
        try (SnapshotWriter writer = repository.writer(OPTIONS)) {
            PageDestination pages = writer.pages(new GuestMemoryMap(List.of(region)));
            for (int segment = 0; segment < SEGMENTS; segment++) {
                submit(pages, (long) segment * Format.SEGMENT_PAGES);
            }
            writer.publish(new Publication(
                    Instant.EPOCH, "live", "none", new TreeMap<>(), state, JsonNodeFactory.instance.objectNode()));
        }
    }

    /// Half a segment: pages that differ, each among zeros.
    private static void submit(PageDestination pages, long first) throws DrayException {
        PageBatch batch = pages.take();
        int every = batch.capacity() / CONTENTS_IN_SEGMENT;
        for (int i = 0; i < batch.capacity(); i++) {
            long address = PageBatch.ZERO;
            if (i % every == 0) {
                MemorySegment page = batch.slab().asSlice(PageSize.offset(i / every), PageSize.BYTES);
                page.fill((byte) i);
                page.set(Format.U64, 0, first + i + 1);
                address = page.address();
            }
            batch.add(0, first + i, address);
        }
        pages.submit(batch);
    }

    /// A store that forgets all but names.
    static final class Nowhere implements BlobStore {
        private final Set<String> names = ConcurrentHashMap.newKeySet();

        @Override
        public void put(String name, MemorySegment bytes) {
            names.add(name);
        }

        @Override
        public long read(String name, long offset, MemorySegment into) {
            return -1;
        }

        @Override
        public Optional<Long> size(String name) {
            return names.contains(name) ? Optional.of(0L) : Optional.empty();
        }

        @Override
        public void list(String kind, Consumer<Entry> each) {}

        @Override
        public void delete(String name) {
            names.remove(name);
        }

        @Override
        public String place() {
            return "nowhere";
        }

        @Override
        public void close() {}
    }
}
