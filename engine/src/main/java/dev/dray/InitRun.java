package dev.dray;

import dev.dray.blob.BlobStore;
import dev.dray.blob.DirectoryStore;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.seal.Credential;
import dev.dray.seal.KeyFile;
import dev.dray.snapshot.Dedup;
import dev.dray.snapshot.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/// Carries out an [Init].
final class InitRun {
    private InitRun() {}

    static Initialized run(Init request, Progress progress) throws DrayException {
        Path directory = RepositoryOpener.directory(request.repository().place());
        KeySource key = request.repository().key();
        if (!request.encryption()) {
            if (!(key instanceof KeySource.None)) {
                throw new UsageException("A repository without encryption has no key", "Leave out one of the two");
            }
            return make(request, directory, Optional.empty(), Optional.empty());
        }
        if (key instanceof KeySource.KeyFileAt(Path file)) {
            refuseInside(file, directory);
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                return withNewKeyFile(request, directory, file);
            }
        }
        try (var fetched = new RepositoryOpener.Fetched(key, progress)) {
            return make(request, directory, Optional.of(fetched.credential()), Optional.empty());
        }
    }

    /// The key file comes first: a repository must never exist without its key. If the repository cannot be made, the
    /// key file goes again.
    private static Initialized withNewKeyFile(Init request, Path directory, Path file) throws DrayException {
        BlobStore store = create(directory);
        Credential.Key key;
        try {
            key = KeyFile.create(file);
        } catch (DrayException e) {
            store.close();
            throw e;
        }
        try (Repository made = Repository.init(store, Optional.of(key), dedup(request))) {
            return initialized(made, request, Optional.of(file));
        } catch (DrayException e) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException cleanup) {
                e.addSuppressed(cleanup);
            }
            throw e;
        } finally {
            Arrays.fill(key.key32(), (byte) 0);
        }
    }

    private static Initialized make(
            Init request, Path directory, Optional<Credential> credential, Optional<Path> keyFileMade)
            throws DrayException {
        try (Repository made = Repository.init(create(directory), credential, dedup(request))) {
            return initialized(made, request, keyFileMade);
        }
    }

    private static BlobStore create(Path directory) throws DrayException {
        try {
            return DirectoryStore.create(directory);
        } catch (UsageException e) {
            if (Files.exists(directory.resolve("config").resolve("repository"))) {
                throw new RefusedException(
                        directory + " is a repository already", "Use it as it is, or name another directory", e);
            }
            throw e;
        }
    }

    private static Initialized initialized(Repository made, Init request, Optional<Path> keyFileMade) {
        return new Initialized(
                made.place(), made.id(), made.encrypted(), request.dedup(), keyFileMade.map(Path::toString));
    }

    private static Dedup dedup(Init request) {
        return switch (request.dedup()) {
            case REPOSITORY -> Dedup.REPOSITORY;
            case GUEST -> Dedup.GUEST;
        };
    }

    /// A key beside what it locks is no key. Symbolic links are followed as far as the paths exist.
    private static void refuseInside(Path file, Path directory) throws UsageException, MachineException {
        if (real(file).startsWith(real(directory))) {
            throw new UsageException(
                    "The key file " + file + " lies inside the repository that it locks",
                    "Keep it elsewhere: whoever has the repository would have its key");
        }
    }

    private static Path real(Path path) throws MachineException {
        Path absolute = path.toAbsolutePath().normalize();
        Path existing = absolute;
        while (existing.getParent() != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            return existing.toRealPath().resolve(existing.relativize(absolute)).normalize();
        } catch (IOException e) {
            throw new MachineException("Cannot look at " + path + ": " + e.getMessage(), "", e);
        }
    }
}
