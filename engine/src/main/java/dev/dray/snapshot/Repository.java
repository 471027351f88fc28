package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.seal.Credential;
import java.util.List;
import java.util.Optional;

/// A repository of snapshots in a [BlobStore]: packs, manifests and keys under one master key. Used by many
/// threads and processes at once.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class Repository implements AutoCloseable {
    private Repository() {}

    /// Makes a new repository in an empty store. The store is then the repository's to close.
    ///
    /// @param credential what opens it; empty = not encrypted, which protects against accidents only
    public static Repository init(BlobStore store, Optional<Credential> credential, Dedup dedup) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// Opens a repository. The store is then the repository's to close, also if this fails.
    ///
    /// @param credentials asked once if the repository is encrypted; empty = the user gave no key. One that is
    ///     not encrypted is refused if there are some: whoever has a key expects it to be used
    public static Repository open(BlobStore store, Optional<CredentialSource> credentials) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// 32 hex digits, random, made at [#init].
    public String id() {
        throw new UnsupportedOperationException("not yet");
    }

    public boolean encrypted() {
        throw new UnsupportedOperationException("not yet");
    }

    public Dedup dedup() {
        throw new UnsupportedOperationException("not yet");
    }

    /// Where it lies, for messages.
    public String place() {
        throw new UnsupportedOperationException("not yet");
    }

    /// All manifests, also when some are damaged.
    public Listing list() throws DrayException {
        throw new UnsupportedOperationException("not yet");
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
        throw new UnsupportedOperationException("not yet");
    }

    /// Announces a session and loads the index of pages that are already stored.
    public SnapshotWriter writer(WriterOptions options) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    public SnapshotReader reader(Snapshot snapshot) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// Announces a long reader (a lazy restore), so that nothing it uses is cleaned away.
    public Session announce(String purpose) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    public Verifier verifier() {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void close() {}
}
