package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A guest's memory that came as descriptors. While the guest runs, all of it is copied and a hash of each page
/// kept, and then what has changed meanwhile, as long as that gets less. When it stands still, everything is
/// read once more, at the speed of memory, and only what has changed since is taken: aside, if the guest is to
/// go on before it is stored.
final class LocalMemory implements AutoCloseable {
    /// Passes over a running guest, the first one not counted.
    private static final int PASSES_MAX = 8;

    /// A pass that finds less than this is the last one: taking so much aside costs a guest that stands still
    /// less than 10 ms.
    private static final long ENOUGH_PAGES = PageSize.pages(32 << 20);

    /// Memory for pages that are taken aside, 1 MiB each.
    private static final int STAGING_BATCHES = 256;

    private static final int THREADS_MAX = 16;

    private final Map<Integer, Fd> descriptors = new HashMap<>();
    private final List<MemoryFile> files = new ArrayList<>();
    private final Pace pace;
    private final Sweep.Tick tick;
    private final Staging staging = new Staging(STAGING_BATCHES);
    private @Nullable PageHash hash;
    private @Nullable PageDestination destination;
    private @Nullable PageFeed feed;

    LocalMemory(Pace pace, Sweep.Tick tick) {
        this.pace = pace;
        this.tick = tick;
    }

    /// Takes a slot's descriptor; which slot is where, the Config says later.
    void take(Connection.SentDescriptor sent) throws PeerException {
        boolean known = descriptors.containsKey(sent.slot());
        if (known || descriptors.size() == WireLimits.SLOTS_MAX) {
            sent.descriptor().close();
            throw new PeerException(
                    known ? "The VMM sent memory slot " + sent.slot() + " twice" : "The VMM sends too many slots",
                    "see Cloud Hypervisor's log");
        }
        descriptors.put(sent.slot(), sent.descriptor());
    }

    /// Opens the memory as the Config describes it.
    void open(MigrationConfig config, PageDestination pages) throws DrayException {
        List<RamSlot> slots = config.slots();
        for (int i = 0; i < slots.size(); i++) {
            Fd sent = descriptors.get(slots.get(i).slot());
            if (sent == null) {
                throw new PeerException(
                        "The VMM did not send the memory of slot "
                                + slots.get(i).slot(),
                        "see Cloud Hypervisor's log");
            }
            files.add(MemoryFile.open(slots.get(i), i, sent));
        }
        if (descriptors.size() != slots.size()) {
            throw new PeerException(
                    "The VMM sent " + descriptors.size() + " pieces of memory, its configuration has " + slots.size(),
                    "see Cloud Hypervisor's log");
        }
        destination = pages;
        feed = new PageFeed(pages);
    }

    /// Copies the memory of a running guest.
    void copyLive() throws DrayException {
        hash = new PageHash();
        copyAll();
        drain();
    }

    /// Copies what the running guest has changed meanwhile, until another pass would not make the last one
    /// shorter.
    ///
    /// @param deadline of [System#nanoTime], after which no further pass is begun
    void copyChanges(long deadline) throws DrayException {
        long before = Long.MAX_VALUE;
        for (int pass = 0; pass < PASSES_MAX && System.nanoTime() - deadline < 0; pass++) {
            long changed = sweep(true);
            submit();
            drain();
            if (changed <= ENOUGH_PAGES || changed > before - before / 4) {
                break;
            }
            before = changed;
        }
    }

    /// Takes all that is not stored as it is now, from a guest that stands still.
    ///
    /// @param aside whether it waits for [#store()]
    void finish(boolean aside) throws DrayException {
        if (hash == null) {
            copyAll();
        } else {
            sweep(!aside);
        }
    }

    /// Hands over what was taken aside.
    void store() throws DrayException {
        while (staging.storeOne(feed())) {
            tick.check();
        }
        submit();
        drain();
    }

    private long sweep(boolean stores) throws DrayException {
        int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, THREADS_MAX);
        PageHash known = hash;
        if (known == null) {
            throw new IllegalStateException("nothing was copied yet");
        }
        long changed = Sweep.run(files, known, staging, feed(), stores, threads, tick);
        while (stores && staging.storeOne(feed())) {
            tick.check();
        }
        return changed;
    }

    /// Reads every page that is not in a hole.
    private void copyAll() throws DrayException {
        PageFeed to = feed();
        MemoryCursor cursor = new MemoryCursor(files);
        MemoryCursor.Piece piece = cursor.piece();
        while (cursor.next(piece)) {
            if (piece.hole) {
                continue;
            }
            tick.check();
            pace.spend(PageSize.offset(piece.count));
            for (int done = 0; done < piece.count; ) {
                int count = Math.min(to.room(), piece.count - done);
                copy(piece.file, piece.first + done, count, to);
                done += count;
            }
        }
        to.submit();
    }

    private void copy(MemoryFile file, long first, int count, PageFeed to) throws DrayException {
        long address = to.reserve(count);
        file.read(first, count, address);
        PageBatch batch = to.current();
        long offset = address - batch.slab().address();
        PageHash known = hash;
        for (int i = 0; i < count; i++) {
            long place = (long) i * PageSize.BYTES;
            long content = address + place;
            if (known != null) {
                long sum = Sweep.sum(known, batch.slab(), offset + place);
                file.setSum(first + i, sum);
                content = sum == MemoryFile.ZEROS ? PageBatch.ZERO : content;
            }
            batch.add(file.region(), first + i, content);
        }
    }

    private void submit() throws DrayException {
        feed().submit();
    }

    private void drain() throws DrayException {
        PageDestination pages = destination;
        if (pages != null) {
            pages.drain();
        }
    }

    private PageFeed feed() {
        PageFeed open = feed;
        if (open == null) {
            throw new IllegalStateException("the memory is not open");
        }
        return open;
    }

    @Override
    public void close() {
        files.forEach(MemoryFile::close);
        files.clear();
        descriptors.values().forEach(Fd::close);
        descriptors.clear();
        staging.close();
    }
}
