package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import dev.dray.page.WorkingSet;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What guests asked for first when they were restored lazily, kept beside their snapshots. A hint: nothing of a
/// snapshot depends on it, and a guest is right with any of them.
public final class WorkingSets {
    private final Repository repository;

    WorkingSets(Repository repository) {
        this.repository = repository;
    }

    /// Keeps what a guest asked for, in place of what was kept before. The new one is there before the old one goes.
    public void record(Snapshot snapshot, WorkingSet set) throws DrayException {
        NavigableMap<Long, String> before = numbered(snapshot);
        long number = before.isEmpty() ? 0 : before.lastKey() + 1;
        String name = ObjectName.workingSet(snapshot.id(), number);
        byte[] object = Envelope.write(
                ObjectKind.WORKING_SET,
                name,
                repository.idBytes(),
                new byte[0],
                WorkingSetCodec.encode(set),
                repository.keys());
        StoredObject.put(repository.store(), name, object);
        for (String old : before.values()) {
            repository.store().delete(old);
        }
    }

    /// The newest that was kept of this snapshot and is whole; empty if none was kept.
    ///
    /// @throws CorruptException if some were kept and all are damaged
    public Optional<WorkingSet> newest(Snapshot snapshot) throws DrayException {
        CorruptException damage = null;
        for (String name : numbered(snapshot).descendingMap().values()) {
            try {
                return Optional.of(read(snapshot, name));
            } catch (CorruptException e) {
                damage = damage == null ? e : damage;
            }
        }
        return none(damage);
    }

    private static Optional<WorkingSet> none(@Nullable CorruptException damage) throws CorruptException {
        if (damage != null) {
            throw damage;
        }
        return Optional.empty();
    }

    /// The newest of this snapshot or, if there is none, of the guest's last snapshot before it that has one and the
    /// same memory: a guest that goes on touches much the same.
    public Optional<WorkingSet> best(Snapshot snapshot) throws DrayException {
        Optional<WorkingSet> own = newest(snapshot);
        if (own.isPresent()) {
            return own;
        }
        for (Snapshot other : repository.snapshots().reversed()) {
            boolean fits = other.manifest().name().equals(snapshot.manifest().name())
                    && other.manifest().number() < snapshot.manifest().number()
                    && other.manifest().memory().equals(snapshot.manifest().memory());
            Optional<WorkingSet> kept = fits ? newest(other) : Optional.empty();
            if (kept.isPresent()) {
                return kept;
            }
        }
        return Optional.empty();
    }

    /// Reads every one, and tells of those that are damaged; one whose snapshot is gone is a leftover, and only its
    /// form is looked at.
    void check(Listing listing, Findings findings) throws DrayException {
        var snapshots = new TreeMap<String, Snapshot>();
        listing.snapshots().forEach(snapshot -> snapshots.put(snapshot.id(), snapshot));
        var names = new TreeMap<String, Optional<ObjectName.Numbered>>();
        repository
                .store()
                .list(ObjectName.WORKING_SETS, entry -> names.put(entry.name(), ObjectName.numbered(entry.name())));
        for (var name : names.entrySet()) {
            Optional<String> id = name.getValue().map(ObjectName.Numbered::hex);
            try {
                Snapshot snapshot = id.map(snapshots::get).orElse(null);
                if (snapshot != null) {
                    read(snapshot, name.getKey());
                } else {
                    open(name.getKey());
                }
            } catch (CorruptException | RefusedException e) {
                findings.add(name.getKey(), id, Findings.text(e));
            }
        }
    }

    private WorkingSet read(Snapshot snapshot, String name) throws DrayException {
        return WorkingSetCodec.decode(open(name), snapshot.manifest().memory(), name);
    }

    private byte[] open(String name) throws DrayException {
        byte[] bytes = StoredObject.read(repository.store(), name, Format.MANIFEST_BYTES_MAX);
        return Envelope.read(ObjectKind.WORKING_SET, name, bytes).open(name, repository.idBytes(), repository.keys());
    }

    private NavigableMap<Long, String> numbered(Snapshot snapshot) throws DrayException {
        var found = new TreeMap<Long, String>();
        repository
                .store()
                .list(
                        ObjectName.WORKING_SETS,
                        entry -> ObjectName.numbered(entry.name())
                                .filter(name -> name.hex().equals(snapshot.id()))
                                .ifPresent(name -> found.put(name.number(), entry.name())));
        return found;
    }
}
