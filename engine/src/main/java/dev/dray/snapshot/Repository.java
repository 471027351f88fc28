package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.PageSize;
import dev.dray.seal.Credential;
import dev.dray.seal.Crypto;
import dev.dray.seal.KeySlots;
import dev.dray.seal.Randomness;
import dev.dray.seal.SecretKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// A repository of snapshots in a [BlobStore]: packs, manifests and keys under one master key. Used by many
/// threads and processes at once.
public final class Repository implements AutoCloseable {
    private final BlobStore store;
    private final RepositoryKeys keys;
    private final byte[] id;
    private final boolean encrypted;
    private final Dedup dedup;
    private final Catalog catalog;

    private Repository(BlobStore store, RepositoryKeys keys, byte[] id, boolean encrypted, Dedup dedup) {
        this.store = store;
        this.keys = keys;
        this.id = id;
        this.encrypted = encrypted;
        this.dedup = dedup;
        this.catalog = new Catalog(store, keys, id);
    }

    /// Makes a new repository in an empty store. The store is then the repository's to close, also if this
    /// fails.
    ///
    /// @param credential what opens it; empty = not encrypted, which protects against accidents only
    public static Repository init(BlobStore store, Optional<Credential> credential, Dedup dedup) throws DrayException {
        return closingOnFailure(store, () -> initialize(store, credential, dedup));
    }

    private static Repository initialize(BlobStore store, Optional<Credential> credential, Dedup dedup)
            throws DrayException {
        if (store.size(ObjectName.CONFIG).isPresent()) {
            throw new RefusedException(
                    store.place() + " is a repository already", "Use it as it is, or give another place");
        }
        byte[] id = Randomness.bytes(Format.ID_BYTES);
        SecretKey master = SecretKey.random();
        RepositoryKeys keys = new RepositoryKeys(master, Crypto.best());
        if (credential.isPresent()) {
            byte[] slot = KeySlots.wrap(master, id, credential.get());
            String name = ObjectName.key(ObjectName.hex(Randomness.bytes(Format.ID_BYTES)));
            StoredObject.put(store, name, Envelope.writeClear(ObjectKind.KEY_SLOT, id, slot));
        }
        Optional<SecretKey> clearKey = credential.isPresent() ? Optional.empty() : Optional.of(master);
        // Last, because it makes the place a repository.
        StoredObject.put(store, ObjectName.CONFIG, RepositoryConfig.of(dedup).write(id, clearKey, keys));
        return new Repository(store, keys, id, credential.isPresent(), dedup);
    }

    /// Opens a repository. The store is then the repository's to close, also if this fails.
    ///
    /// @param credentials asked once if the repository is encrypted; empty = the user gave no key. One that
    ///     is not encrypted is refused if there are some: whoever has a key expects it to be used
    public static Repository open(BlobStore store, Optional<CredentialSource> credentials) throws DrayException {
        return closingOnFailure(store, () -> openExisting(store, credentials));
    }

    private static Repository openExisting(BlobStore store, Optional<CredentialSource> credentials)
            throws DrayException {
        Envelope config = config(store);
        Optional<SecretKey> clearKey = RepositoryConfig.clearKey(config);
        SecretKey master;
        if (clearKey.isPresent()) {
            if (credentials.isPresent()) {
                throw new RefusedException(
                        store.place() + " is not encrypted, and a key was given: somebody may have replaced its"
                                + " configuration",
                        "If it was made with --no-encryption, give no key");
            }
            master = clearKey.get();
        } else {
            CredentialSource source = credentials.orElseThrow(() -> new KeyException(
                    store.place() + " is encrypted and no key was given",
                    "Give --key-file, --key-command or --passphrase-file"));
            master = KeyRing.unlock(store, config.repository(), source.credential());
        }
        RepositoryKeys keys = new RepositoryKeys(master, Crypto.best());
        RepositoryConfig facts = RepositoryConfig.read(config, keys);
        return new Repository(store, keys, config.repository(), clearKey.isEmpty(), facts.dedup());
    }

    private static Envelope config(BlobStore store) throws DrayException {
        if (store.size(ObjectName.CONFIG).isEmpty()) {
            AtomicBoolean any = new AtomicBoolean();
            store.list(ObjectName.SNAPSHOTS, _ -> any.set(true));
            if (any.get()) {
                throw StoredObject.missing(ObjectName.CONFIG);
            }
            throw new UsageException(
                    "There is no repository at " + store.place(), "Make one with dray init, or give another --repo");
        }
        byte[] bytes = StoredObject.read(store, ObjectName.CONFIG, RepositoryConfig.BYTES_MAX);
        return Envelope.read(ObjectKind.CONFIG, ObjectName.CONFIG, bytes);
    }

    private interface Opening {
        Repository run() throws DrayException;
    }

    private static Repository closingOnFailure(BlobStore store, Opening opening) throws DrayException {
        boolean opened = false;
        try {
            Repository repository = opening.run();
            opened = true;
            return repository;
        } finally {
            if (!opened) {
                store.close();
            }
        }
    }

    /// 32 hex digits, random, made at [#init].
    public String id() {
        return ObjectName.hex(id);
    }

    public boolean encrypted() {
        return encrypted;
    }

    public Dedup dedup() {
        return dedup;
    }

    /// Where it lies, for messages.
    public String place() {
        return store.place();
    }

    /// All manifests, also when some are damaged.
    public Listing list() throws DrayException {
        return catalog.list();
    }

    /// The readable snapshots of [#list()].
    public List<Snapshot> snapshots() throws DrayException {
        return list().snapshots();
    }

    /// The snapshot of `spec`: an id, a prefix of at least 6 of its hex digits, `NAME` (its newest) or
    /// `NAME@N`.
    ///
    /// @throws dev.dray.error.UsageException if there is none, or more than one
    /// @throws dev.dray.error.CorruptException if it is there but damaged
    public Snapshot find(String spec) throws DrayException {
        return SnapshotSpec.find(spec, list(), place());
    }

    /// Announces a session and loads the index of pages that are already stored.
    public SnapshotWriter writer(WriterOptions options) throws DrayException {
        GuestName.check(options.name());
        Session session = announce("capture");
        boolean begun = false;
        PackNames names = new PackNames();
        try (IndexLoader loader = new IndexLoader(store, keys, names)) {
            List<Snapshot> ordered = IndexLoader.order(snapshots(), options.name(), dedup);
            IndexLoader.Loaded loaded = loader.load(ordered, indexEntriesMax(options, ordered));
            begun = true;
            return new SnapshotWriter(this, options, session, names, loaded);
        } finally {
            if (!begun) {
                session.close();
            }
        }
    }

    /// Publishes a small guest, made up, to nowhere, in about 0.2 s of a JVM that has just started: a snapshot that
    /// follows is published faster.
    public void rehearse() throws DrayException {
        PublishRehearsal.run(new Repository(new PublishRehearsal.Nowhere(), keys, id, encrypted, dedup));
    }

    /// At least as many as the guest's last snapshot has pages: a smaller index would not know most of
    /// a large guest.
    private static long indexEntriesMax(WriterOptions options, List<Snapshot> ordered) {
        long pages = ordered.isEmpty() || !ordered.getFirst().manifest().name().equals(options.name())
                ? 0
                : PageSize.pages(ordered.getFirst().manifest().memory().bytes());
        return Math.min(IdentityIndex.ENTRIES_MAX, Math.max(options.indexEntriesMax(), pages));
    }

    public SnapshotReader reader(Snapshot snapshot) throws DrayException {
        return new SnapshotReader(this, snapshot.manifest());
    }

    /// Announces a long reader (a lazy restore), so that nothing it uses is cleaned away.
    public Session announce(String purpose) throws DrayException {
        return Session.announce(store, keys, id, purpose);
    }

    public WorkingSets workingSets() {
        return new WorkingSets(this);
    }

    public Verifier verifier() {
        return new Verifier(this);
    }

    BlobStore store() {
        return store;
    }

    RepositoryKeys keys() {
        return keys;
    }

    byte[] idBytes() {
        return id;
    }

    /// The domain in which pages of a guest are identified.
    String domain(String guest) {
        return dedup == Dedup.GUEST ? guest : "";
    }

    /// The highest number that a snapshot of this name has, or 0.
    long lastNumber(String name) throws DrayException {
        return snapshots().stream()
                .filter(s -> s.manifest().name().equals(name))
                .mapToLong(s -> s.manifest().number())
                .max()
                .orElse(0);
    }

    FrameReader metadataReader() {
        return new FrameReader(
                store,
                keys,
                FrameEncoder.bound(Format.METADATA_BYTES_MAX) + Format.TAG_BYTES,
                Format.METADATA_BYTES_MAX);
    }

    @Override
    public void close() {
        keys.close();
        store.close();
    }
}
