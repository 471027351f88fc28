package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageReader;
import dev.dray.page.WorkingSet;
import dev.dray.snapshot.Listing;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Session;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.SnapshotReader;
import dev.dray.state.MachineState;
import dev.dray.vmm.LazyReport;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Setting;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import tools.jackson.databind.JsonNode;

/// The snapshot's side of a restore: what the guest is read from, and what is kept of how that went.
final class RestoreSource implements AutoCloseable {
    private final RestoreWish wish;
    private final ProgressWatch watch;
    private final Deque<Runnable> closings = new ArrayDeque<>();
    private final Repository repository;
    private final Snapshot snapshot;
    private final SnapshotReader reader;
    private Optional<WorkingSet> first = Optional.empty();
    private Optional<SnapshotReader> copy = Optional.empty();
    private String copyPlace = "";

    private RestoreSource(RestoreWish wish, Repository repository, ProgressWatch watch) throws DrayException {
        this.wish = wish;
        this.watch = watch;
        this.repository = repository;
        snapshot = repository.find(wish.snapshot());
        reader = repository.reader(snapshot);
        closings.push(reader::close);
    }

    static RestoreSource open(RestoreWish wish, Progress progress, ProgressWatch watch) throws DrayException {
        watch.phase("opening the snapshot");
        Repository repository;
        try {
            repository = RepositoryOpener.open(wish.repository(), progress);
        } catch (CorruptException | MachineException e) {
            return openCopyAlone(wish, e, progress, watch);
        }
        RestoreSource source;
        try {
            Optional<DrayException> lost = lost(repository, wish, progress);
            if (lost.isPresent()) {
                repository.close();
                return openCopyAlone(wish, lost.get(), progress, watch);
            }
            source = new RestoreSource(wish, repository, watch);
        } catch (DrayException e) {
            repository.close();
            throw e;
        }
        try {
            source.prepare(progress);
            return source;
        } catch (DrayException e) {
            source.close();
            throw e;
        }
    }

    /// Why the manifest that is asked for cannot be read, if the copy of the repository has it. Whose name a damaged
    /// manifest has is not known: an older one of the name must not take its place.
    private static Optional<DrayException> lost(Repository repository, RestoreWish wish, Progress progress)
            throws DrayException {
        Optional<RepositoryAccess> copy = wish.copyAccess();
        if (copy.isEmpty()) {
            return Optional.empty();
        }
        Listing listing;
        try {
            listing = repository.list();
        } catch (CorruptException | MachineException e) {
            return Optional.of(e);
        }
        if (listing.damaged().isEmpty()) {
            return Optional.empty();
        }
        try (Repository other = RepositoryOpener.open(copy.get(), progress)) {
            String id = other.find(wish.snapshot()).id();
            return listing.damaged().stream()
                    .filter(each -> each.object().contains(id))
                    .map(Listing.Damaged::failure)
                    .findFirst();
        } catch (UsageException e) {
            return Optional.empty(); // it is not there either
        }
    }

    private static RestoreSource openCopyAlone(
            RestoreWish wish, DrayException why, Progress progress, ProgressWatch watch) throws DrayException {
        Optional<RepositoryAccess> copy = wish.copyAccess();
        if (copy.isEmpty()) {
            throw why;
        }
        watch.warning("the snapshot is looked up in the copy in " + copy.get().place() + ": " + why.getMessage());
        return open(wish.fromCopy(copy.get()), progress, watch);
    }

    private void prepare(Progress progress) throws DrayException {
        if (wish.copyAccess().isPresent()) {
            openCopy(wish.copyAccess().get(), progress);
        }
        if (wish.memory() instanceof RestoreMemory.Lazy(var prefetch)) {
            first = Optional.of(workingSet(prefetch));
            announce();
        }
    }

    private void openCopy(RepositoryAccess access, Progress progress) throws DrayException {
        Repository other = RepositoryOpener.open(access, progress);
        boolean taken = false;
        try {
            Snapshot same;
            try {
                same = other.find(snapshot.id());
            } catch (UsageException e) {
                throw notTheSame(access.place());
            }
            if (!same.manifest().memory().equals(snapshot.manifest().memory())
                    || !same.manifest().taken().equals(snapshot.manifest().taken())
                    || !other.id().equals(repository.id())) {
                throw notTheSame(access.place());
            }
            SnapshotReader opened = other.reader(same);
            copy = Optional.of(opened);
            copyPlace = other.place();
            closings.push(other::close);
            closings.push(opened::close);
            taken = true;
        } finally {
            if (!taken) {
                other.close();
            }
        }
    }

    private RefusedException notTheSame(String place) {
        return new RefusedException(
                "The repository " + place + " holds no copy of snapshot " + snapshot.id(),
                "give a copy of the whole repository as the second --repo, or leave it out");
    }

    /// A hint that cannot be read costs the hint, unless it is one that the user named.
    private WorkingSet workingSet(RestoreMemory.Prefetch prefetch) throws DrayException {
        return switch (prefetch) {
            case RestoreMemory.Prefetch.Nothing _ -> WorkingSet.empty();
            case RestoreMemory.Prefetch.Listed(var file) ->
                PageList.read(file, snapshot.manifest().memory());
            case RestoreMemory.Prefetch.Recorded _ -> {
                try {
                    yield repository.workingSets().best(snapshot).orElseGet(WorkingSet::empty);
                } catch (DrayException e) {
                    watch.warning("what the guest asked for last time cannot be read: " + e.getMessage());
                    yield WorkingSet.empty();
                }
            }
        };
    }

    /// A lazy restore reads for long: whoever cleans up has to know.
    private void announce() {
        try {
            Session session = repository.announce("lazy restore");
            closings.push(session::close);
        } catch (DrayException e) {
            watch.warning("nobody who cleans up the repository can see that it is read: " + e.getMessage());
        }
    }

    RestoreImage image() {
        return new Image();
    }

    RestoreOrder order() {
        return new RestoreOrder(
                wish.paused(),
                wish.mapBlock(),
                wish.pledge(),
                snapshot.manifest().taken(),
                wish.settings().entrySet().stream()
                        .map(each -> new Setting(each.getKey(), each.getValue()))
                        .toList(),
                first,
                wish.ownRisk());
    }

    /// What came of it; keeps what the guest asked for.
    Restored restored(RestoreReport report, double startMs, double elapsedMs) {
        report.lazy().ifPresent(this::keep);
        var manifest = snapshot.manifest();
        return new Restored(
                snapshot.id(),
                manifest.name(),
                manifest.number(),
                GuestFates.of(report.guest()),
                report.vmm(),
                report.lazy().isPresent() ? "lazy" : "eager",
                startMs,
                elapsedMs,
                report.resumeMs(),
                report.residentMs(),
                manifest.counters().memoryBytes(),
                manifest.counters().zeroBytes(),
                report.sentBytes(),
                manifest.counters().storedBytes(),
                CaptureRecord.phases(report.phases()),
                watch.warnings(),
                report.lazy().map(Served::of));
    }

    private void keep(LazyReport report) {
        if (report.asked().count() == 0) {
            return;
        }
        try {
            repository.workingSets().record(snapshot, report.asked());
        } catch (DrayException e) {
            watch.warning("what the guest asked for first could not be kept: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        closings.forEach(Runnable::run);
        repository.close();
    }

    /// A snapshot as a dialect wants it.
    private final class Image implements RestoreImage {
        private final AtomicBoolean told = new AtomicBoolean();

        @Override
        public GuestMemoryMap memory() {
            return snapshot.manifest().memory();
        }

        @Override
        public MachineState state() throws DrayException {
            try {
                return reader.state();
            } catch (CorruptException | MachineException e) {
                if (copy.isEmpty()) {
                    throw e;
                }
                told().say(e);
                return copy.get().state();
            }
        }

        @Override
        public JsonNode facts() {
            return snapshot.manifest().facts();
        }

        @Override
        public PageReader pageReader() {
            PageReader pages = reader.pageReader();
            return copy.isEmpty() ? pages : new CopiedPages(pages, copy.get(), told());
        }

        private CopiedPages.Told told() {
            return new CopiedPages.Told(told, watch, copyPlace);
        }
    }
}
