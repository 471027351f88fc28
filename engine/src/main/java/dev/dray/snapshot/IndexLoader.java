package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.seal.Aead;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;

/// Builds the index of what is stored from the directories of packs: of the newest snapshot of the guest
/// first, then its older ones, then others', until the index is as large as it may be. Only packs that a
/// manifest references are used: others may be cleaned away at any moment. Packs that are damaged, or
/// cannot be read, are left out, so that the next snapshot does not depend on them.
final class IndexLoader implements AutoCloseable {
    private final RepositoryKeys keys;
    private final PackNames names;
    private final PackFile file;
    private final FrameReader reader;
    private final SequencedSet<String> seen = new LinkedHashSet<>();
    private final List<Pack> packs = new ArrayList<>();
    private long frames;

    private record Pack(String hex, PackTrailer trailer) {}

    /// What is stored.
    ///
    /// @param pages of guests
    /// @param metadata frames of tables and machine state
    record Loaded(IdentityIndex pages, Map<MetadataPacks.Identity, MetadataPacks.Place> metadata) {}

    IndexLoader(BlobStore store, RepositoryKeys keys, PackNames names) {
        this.keys = keys;
        this.names = names;
        file = new PackFile(store);
        reader = new FrameReader(store, keys, Format.METADATA_BYTES_MAX + Format.TAG_BYTES, Format.METADATA_BYTES_MAX);
    }

    /// The order in which snapshots are likely to hold what a new one of `name` will.
    static List<Snapshot> order(List<Snapshot> snapshots, String name, Dedup dedup) {
        Comparator<Snapshot> sameFirst =
                Comparator.comparing((Snapshot s) -> !s.manifest().name().equals(name));
        Comparator<Snapshot> newestFirst = Comparator.<Snapshot>comparingLong(
                        s -> s.manifest().name().equals(name) ? s.manifest().number() : 0)
                .reversed()
                .thenComparing(s -> s.manifest().taken(), Comparator.reverseOrder());
        return snapshots.stream()
                .filter(s -> dedup == Dedup.REPOSITORY || s.manifest().name().equals(name))
                .sorted(sameFirst.thenComparing(newestFirst))
                .toList();
    }

    /// @param entriesMax how many frames to know at most
    Loaded load(List<Snapshot> ordered, long entriesMax) throws DrayException {
        for (Snapshot snapshot : ordered) {
            for (String hex : packsOf(snapshot)) {
                if (frames < entriesMax && seen.add(hex)) {
                    open(hex);
                }
            }
        }
        IdentityIndex pages = new IdentityIndex(frames);
        Map<MetadataPacks.Identity, MetadataPacks.Place> metadata = new HashMap<>();
        for (Pack pack : packs) {
            enter(pack, pages, metadata);
        }
        return new Loaded(pages, metadata);
    }

    private SequencedSet<String> packsOf(Snapshot snapshot) throws DrayException {
        try {
            return PackLists.read(snapshot.manifest(), reader);
        } catch (CorruptException | MachineException _) {
            return new LinkedHashSet<>(); // verify reports it; here it only costs space
        }
    }

    private void open(String hex) throws DrayException {
        String object = ObjectName.pack(hex);
        try (Aead aead = keys.packAead(hex)) {
            PackTrailer trailer = file.trailer(object, file.bytes(object), aead);
            packs.add(new Pack(hex, trailer));
            frames += trailer.frames();
        } catch (CorruptException | RefusedException | MachineException _) {
            // verify reports it; here it only costs space
        }
    }

    private void enter(Pack pack, IdentityIndex pages, Map<MetadataPacks.Identity, MetadataPacks.Place> metadata)
            throws DrayException {
        PackDirectory directory;
        try (Aead aead = keys.packAead(pack.hex())) {
            directory = file.directory(ObjectName.pack(pack.hex()), pack.trailer(), aead);
        } catch (CorruptException | MachineException _) {
            return; // verify reports it; here it only costs space
        }
        int number = names.known(pack.hex());
        MemorySegment entries = directory.entries();
        int offset = 0;
        for (int i = 0; i < directory.frames(); i++) {
            long low = entries.get(Format.U64, (long) i * PackDirectory.ENTRY_BYTES);
            long high = entries.get(Format.U64, (long) i * PackDirectory.ENTRY_BYTES + Long.BYTES);
            int sealed = directory.sealedBytes(i);
            boolean compressed = directory.compressed(i);
            FrameKind kind = directory.kind(i);
            if (kind == FrameKind.PAGE) {
                pages.insert(low, high, Location.content(number, offset, sealed, compressed));
            } else if (kind != null) {
                metadata.putIfAbsent(
                        new MetadataPacks.Identity(kind, low, high),
                        new MetadataPacks.Place(number, offset, sealed, 0, compressed));
            }
            offset += sealed;
        }
    }

    @Override
    public void close() {
        file.close();
        reader.close();
    }
}
