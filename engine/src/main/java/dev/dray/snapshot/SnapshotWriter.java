package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageDestination;
import dev.dray.seal.PageMac;
import dev.dray.state.MachineState;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Writes one snapshot: workers identify, compress and seal pages into packs while the source still reads;
/// [#publish] makes everything durable and then, by one last write, visible. Closed without that it leaves
/// nothing behind.
///
/// Invariants: the session is announced before the index of stored pages is read, so that no page that is
/// reused can be cleaned away; every object is durable before another names it; the manifest is written last;
/// once its writing has begun, no pack is deleted, for it may be there.
public final class SnapshotWriter implements AutoCloseable {
    private final Repository repository;
    private final WriterOptions options;
    private final Session session;
    private final PackNames names;
    private final IndexLoader.Loaded loaded;
    private final AtomicLong zeroPages = new AtomicLong();
    private final AtomicLong knownPages = new AtomicLong();
    private final AtomicLong writtenBytes = new AtomicLong();
    private final List<PageWorker> workers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<String> packsWritten = new ArrayList<>();
    private final CountDownLatch named;

    private volatile @Nullable PageIntake intake;
    private @Nullable GuestTable table;
    private @Nullable IdentityIndex fresh;
    private boolean ended;
    private boolean manifestBegun;
    private boolean closed;

    SnapshotWriter(
            Repository repository, WriterOptions options, Session session, PackNames names, IndexLoader.Loaded loaded) {
        this.repository = repository;
        this.options = options;
        this.session = session;
        this.names = names;
        this.loaded = loaded;
        this.named = new CountDownLatch(options.workers());
    }

    /// Where to put the pages of a guest with these regions. Called once; the destination is for one thread.
    public PageDestination pages(GuestMemoryMap memory) throws DrayException {
        if (intake != null || closed) {
            throw new IllegalStateException("pages() was called before, or the writer is closed");
        }
        GuestTable guest = table(memory);
        PageIntake pages = new PageIntake(guest, options.batches(), options.workers());
        IdentityIndex index = new IdentityIndex(Math.min(guest.pages(), IdentityIndex.ENTRIES_MAX));
        table = guest;
        fresh = index;
        intake = pages;
        PageWorker.Shared shared =
                new PageWorker.Shared(pages, guest, loaded.pages(), index, zeroPages, knownPages, writtenBytes, named);
        for (int i = 0; i < options.workers(); i++) {
            PageWorker worker = worker(shared);
            workers.add(worker);
            threads.add(Thread.ofPlatform().daemon().name("dray-writer-" + i).unstarted(worker));
        }
        threads.forEach(Thread::start);
        return pages;
    }

    private static GuestTable table(GuestMemoryMap memory) throws MachineException {
        try {
            return new GuestTable(memory);
        } catch (OutOfMemoryError e) {
            throw new MachineException(
                    "There is not enough memory here to note where the pages of a guest of " + memory.bytes()
                            + " bytes lie: " + e.getMessage(),
                    "give this host more memory, 12 bytes for each page",
                    e);
        }
    }

    private PageWorker worker(PageWorker.Shared shared) {
        String settings = FrameEncoder.settings(options.compression());
        PackBuilder pack = new PackBuilder(
                repository.store(), repository.keys(), names, settings, Format.PACK_BYTES_TARGET, PageSize.BYTES);
        PageMac identity = repository.keys().pageIdentity(repository.domain(options.name()));
        return new PageWorker(shared, pack, new FrameEncoder(options.compression()), identity);
    }

    /// Drains, makes all packs durable, then the page tables, then the manifest.
    public Snapshot publish(Publication publication) throws DrayException {
        PageIntake pages = intake;
        GuestTable guest = table;
        if (pages == null || guest == null || closed || ended) {
            throw new IllegalStateException("publish() comes once, after pages()");
        }
        pages.drain();
        ended = true;
        pages.end();
        awaitNames(pages);
        try (MetadataPacks metadata = new MetadataPacks(
                        repository.store(),
                        repository.keys(),
                        names,
                        repository.domain(options.name()),
                        loaded.metadata(),
                        () -> endWorkers(pages));
                FrameSet frames = new FrameSet(guest.pages())) {
            try {
                return publish(publication, guest, pages, metadata, frames);
            } finally {
                packsWritten.addAll(metadata.written());
            }
        }
    }

    private Snapshot publish(
            Publication publication, GuestTable guest, PageIntake pages, MetadataPacks metadata, FrameSet frames)
            throws DrayException {
        TableWriter tables = new TableWriter(guest, names, metadata, names.count(), frames);
        SortedMap<String, List<MetadataPacks.Place>> parts = new TreeMap<>();
        for (Map.Entry<String, byte[]> part : publication.state().parts().entrySet()) {
            if (part.getValue().length > MachineState.PART_BYTES_MAX) {
                throw new RefusedException(
                        "The machine state's part " + part.getKey() + " has " + part.getValue().length
                                + " bytes, at most " + MachineState.PART_BYTES_MAX + " are allowed",
                        "");
            }
            parts.put(part.getKey(), metadata.addPieces(FrameKind.STATE, part.getValue()));
        }
        tables.addSegments();
        metadata.write();
        tables.addNodes();
        BitSet all = tables.packs();
        all.or(metadata.packs());
        List<MetadataPacks.Place> list = PackLists.add(all, names, metadata);
        metadata.write();
        SortedMap<String, StatePart> state = new TreeMap<>();
        parts.forEach((name, places) -> state.put(name, part(places, metadata)));
        long added = workers.stream().mapToLong(w -> w.pack().writtenBytes()).sum() + metadata.writtenBytes();
        Counters counters = new Counters(
                guest.memory().bytes(),
                tables.bytesOf(PageKind.ZERO),
                tables.bytesOf(PageKind.ABSENT) + tables.bytesOf(PageKind.REMOVED),
                PageSize.offset(pages.pagesIn() - zeroPages.get()),
                frames.bytes() + metadata.storedBytes(),
                added);
        long number = repository.lastNumber(options.name()) + 1;
        Manifest manifest = new Manifest(
                options.name(),
                number,
                publication.taken(),
                publication.mode(),
                publication.vmm(),
                publication.labels(),
                guest.memory(),
                counters,
                publication.state().dialect(),
                state,
                tables.roots(),
                list.stream().map(metadata::ref).toList(),
                publication.facts().toString());
        return write(manifest);
    }

    private static StatePart part(List<MetadataPacks.Place> places, MetadataPacks metadata) {
        long bytes = places.stream().mapToLong(MetadataPacks.Place::plainBytes).sum();
        return new StatePart(bytes, places.stream().map(metadata::ref).toList());
    }

    private Snapshot write(Manifest manifest) throws DrayException {
        byte[] body = ManifestWriter.write(manifest);
        if (!ManifestParser.parse(body, "a new manifest").equals(manifest)) {
            throw new IllegalStateException("a manifest that does not read back");
        }
        String id = ObjectName.hex(repository.keys().freshId("snapshot-id", body));
        String name = ObjectName.snapshot(id, 0);
        byte[] object =
                Envelope.write(ObjectKind.MANIFEST, name, repository.idBytes(), new byte[0], body, repository.keys());
        if (object.length > Format.MANIFEST_BYTES_MAX) {
            throw new RefusedException(
                    "The manifest would have " + object.length + " bytes, at most " + Format.MANIFEST_BYTES_MAX
                            + " are allowed",
                    "");
        }
        requireSession();
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedOperation("Interrupted while writing the snapshot", "");
        }
        manifestBegun = true;
        StoredObject.put(repository.store(), name, object);
        try {
            requireSession();
        } catch (RefusedException e) {
            // Taken for dead in the very moment of publishing: what the snapshot needs may be gone.
            repository.store().delete(name);
            throw e;
        }
        return new Snapshot(id, manifest, name, object.length);
    }

    private void requireSession() throws DrayException {
        if (!session.stands()) {
            throw new RefusedException(
                    "Another process took this capture for dead and removed its session, so pages it relies on may be"
                            + " gone",
                    "Capture again; if this host was suspended for more than " + Session.SILENCE.toMinutes()
                            + " minutes, that is why");
        }
    }

    /// How far it is; for any thread.
    public WriterProgress progress() {
        PageIntake pages = intake;
        long in = pages == null ? 0 : pages.pagesIn();
        return new WriterProgress(in, zeroPages.get(), knownPages.get(), writtenBytes.get());
    }

    /// Waits until every pack of pages has a name: then tables can be made of them while the last are written.
    private void awaitNames(PageIntake pages) throws DrayException {
        try {
            named.await();
        } catch (InterruptedException e) {
            throw PageIntake.interrupted(e);
        }
        pages.rethrow();
    }

    /// Waits until all packs of pages are durable.
    private void endWorkers(PageIntake pages) throws DrayException {
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw PageIntake.interrupted(e);
        }
        pages.rethrow();
        freeFresh();
    }

    private void freeFresh() {
        IdentityIndex index = fresh;
        if (index != null) {
            fresh = null;
            index.close();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        PageIntake pages = intake;
        if (pages != null) {
            stop(pages);
        }
        loaded.pages().close();
        if (!manifestBegun) {
            deletePacks();
        }
        session.close();
    }

    /// Ends the workers whatever happens, then frees what they used.
    private void stop(PageIntake pages) {
        if (!ended) {
            pages.fail(new IllegalStateException("The writer was closed"));
            pages.end();
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        for (PageWorker worker : workers) {
            packsWritten.addAll(worker.pack().written());
            worker.close();
        }
        freeFresh();
        pages.free();
        GuestTable guest = table;
        if (guest != null) {
            guest.close();
        }
    }

    /// No manifest names them, so nobody can have used them.
    private void deletePacks() {
        for (String hex : packsWritten) {
            try {
                repository.store().delete(ObjectName.pack(hex));
            } catch (MachineException e) {
                System.getLogger(SnapshotWriter.class.getName())
                        .log(System.Logger.Level.DEBUG, "a pack without snapshot stays", e);
            }
        }
    }
}
