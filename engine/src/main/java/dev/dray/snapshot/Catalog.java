package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/// Reads the manifests of a repository. Those that were read once are remembered, as objects never change.
final class Catalog {
    private static final Comparator<Snapshot> OLDEST_FIRST = Comparator.comparing(
                    (Snapshot s) -> s.manifest().taken())
            .thenComparing(s -> s.manifest().name())
            .thenComparingLong(s -> s.manifest().number())
            .thenComparing(Snapshot::id);

    private final BlobStore store;
    private final RepositoryKeys keys;
    private final byte[] repository;
    private final Map<String, Snapshot> read = new ConcurrentHashMap<>();

    Catalog(BlobStore store, RepositoryKeys keys, byte[] repository) {
        this.store = store;
        this.keys = keys;
        this.repository = repository;
    }

    Listing list() throws DrayException {
        List<BlobStore.Entry> entries = new ArrayList<>();
        store.list(ObjectName.SNAPSHOTS, entries::add);
        entries.sort(Comparator.comparing(BlobStore.Entry::name));
        List<Listing.Damaged> damaged = new ArrayList<>();
        Map<String, SortedMap<Long, String>> generations = new HashMap<>();
        for (BlobStore.Entry entry : entries) {
            Optional<ObjectName.Numbered> name = ObjectName.numbered(entry.name());
            if (name.isEmpty()) {
                damaged.add(new Listing.Damaged(
                        entry.name(),
                        Envelope.damaged(entry.name(), "a manifest's name is 32 hex digits and a number")));
            } else {
                generations
                        .computeIfAbsent(name.get().hex(), _ -> new TreeMap<>(Comparator.reverseOrder()))
                        .put(name.get().number(), entry.name());
            }
        }
        List<Snapshot> snapshots = new ArrayList<>();
        for (Map.Entry<String, SortedMap<Long, String>> snapshot : generations.entrySet()) {
            newestWhole(snapshot.getKey(), snapshot.getValue(), damaged).ifPresent(snapshots::add);
        }
        snapshots.sort(OLDEST_FIRST);
        damaged.sort(Comparator.comparing(Listing.Damaged::object));
        return new Listing(snapshots, damaged);
    }

    /// The highest generation that is whole; those above it are reported.
    private Optional<Snapshot> newestWhole(
            String id, SortedMap<Long, String> generations, List<Listing.Damaged> damaged) throws DrayException {
        for (String object : generations.values()) {
            try {
                return Optional.of(snapshot(id, object));
            } catch (CorruptException | RefusedException e) {
                if (store.size(object).isPresent()) { // else it was deleted since it was listed
                    damaged.add(new Listing.Damaged(object, e));
                }
            }
        }
        return Optional.empty();
    }

    private Snapshot snapshot(String id, String object) throws DrayException {
        Snapshot known = read.get(object);
        if (known != null) {
            return known;
        }
        byte[] bytes = StoredObject.read(store, object, Format.MANIFEST_BYTES_MAX);
        byte[] body = Envelope.read(ObjectKind.MANIFEST, object, bytes).open(object, repository, keys);
        Snapshot snapshot = new Snapshot(id, ManifestParser.parse(body, object), object, bytes.length);
        read.put(object, snapshot);
        return snapshot;
    }
}
