package dev.dray;

import dev.dray.blob.BlobStore;
import dev.dray.blob.DirectoryStore;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.seal.Credential;
import dev.dray.seal.KeyFile;
import dev.dray.snapshot.Repository;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// From what the user says of a repository to the open repository. Secrets are fetched when they are needed and
/// wiped when the repository is open.
final class RepositoryOpener {
    /// The ways to give a key, for messages.
    static final String KEY_OPTIONS =
            "--key-file F (or DRAY_KEY_FILE), --key-command CMD, or --passphrase-file F" + " (or DRAY_PASSPHRASE)";

    private static final Set<PosixFilePermission> OTHERS_READ =
            EnumSet.of(PosixFilePermission.GROUP_READ, PosixFilePermission.OTHERS_READ);

    private RepositoryOpener() {}

    static Repository open(RepositoryAccess access, Progress progress) throws DrayException {
        return switch (access.key()) {
            case KeySource.None _ -> withoutKey(access.place());
            case KeySource.Ask ask -> asking(access.place(), ask, progress);
            default -> withKey(access.place(), access.key(), progress);
        };
    }

    private static Repository withoutKey(String place) throws DrayException {
        try {
            return Repository.open(store(place), Optional.empty());
        } catch (KeyException e) {
            throw new KeyException(
                    "The repository " + place + " is encrypted, and no key was given", "Give " + KEY_OPTIONS, e);
        }
    }

    /// Whether it is encrypted is only known when it was tried without a key.
    private static Repository asking(String place, KeySource.Ask ask, Progress progress) throws DrayException {
        try {
            return Repository.open(store(place), Optional.empty());
        } catch (KeyException e) {
            return withKey(place, ask, progress);
        }
    }

    private static Repository withKey(String place, KeySource key, Progress progress) throws DrayException {
        try (var fetched = new Fetched(key, progress)) {
            return Repository.open(store(place), Optional.of(fetched::credential));
        }
    }

    /// Where bytes lie: a directory or a `file:` URL in this release.
    static BlobStore store(String place) throws UsageException, MachineException {
        return DirectoryStore.open(directory(place));
    }

    static Path directory(String place) throws UsageException {
        try {
            int colon = place.indexOf("://");
            if (colon < 0) {
                if (place.isEmpty()) {
                    throw new UsageException("The repository's name is empty", "Name a directory");
                }
                return Path.of(place);
            }
            String scheme = place.substring(0, colon);
            if (scheme.equals("file")) {
                URI uri = URI.create(place);
                if (uri.getAuthority() == null
                        && uri.getPath() != null
                        && !uri.getPath().isEmpty()) {
                    return Path.of(uri.getPath());
                }
            }
            if (scheme.equals("s3")) {
                throw new UsageException(
                        "Object storage ('" + place + "') is not in this release", "Use a directory: /srv/dray");
            }
        } catch (InvalidPathException e) {
            throw new UsageException(
                    "'" + place + "' is not the name of a directory", "Name a directory: /srv/dray", e);
        } catch (IllegalArgumentException e) {
            throw new UsageException("'" + place + "' is not a URL", "Write file:///srv/dray, or only /srv/dray", e);
        }
        throw new UsageException(
                "'" + place + "' is not a repository's URL", "Write file:///srv/dray, or only /srv/dray");
    }

    /// A credential and the way to wipe it.
    static final class Fetched implements AutoCloseable {
        private final KeySource source;
        private final Progress progress;
        private Optional<Credential> credential = Optional.empty();

        Fetched(KeySource source, Progress progress) {
            this.source = source;
            this.progress = progress;
        }

        Credential credential() throws DrayException {
            if (credential.isEmpty()) {
                credential = Optional.of(fetch());
            }
            return credential.get();
        }

        private Credential fetch() throws DrayException {
            return switch (source) {
                case KeySource.KeyFileAt(Path file) -> {
                    warnIfOthersCanRead(file);
                    yield KeyFile.read(file);
                }
                case KeySource.KeyCommand(String command) ->
                    KeyFile.parse(
                            KeyCommandProcess.output(command, KeyCommandProcess.TIME_LIMIT, progress::cancelled),
                            "the output of the key command");
                case KeySource.PassphraseFrom(String _, KeySource.Passphrase passphrase) ->
                    new Credential.Passphrase(passphrase.read());
                case KeySource.Ask(KeySource.Passphrase passphrase) -> new Credential.Passphrase(passphrase.read());
                case KeySource.None _ -> throw new KeyException("No key was given", "Give " + KEY_OPTIONS);
            };
        }

        private void warnIfOthersCanRead(Path file) {
            try {
                var permissions = Files.getPosixFilePermissions(file);
                if (!java.util.Collections.disjoint(permissions, OTHERS_READ)) {
                    progress.warning("The key file " + file + " can be read by others: chmod 600 " + file);
                }
            } catch (IOException | UnsupportedOperationException e) {
                // Reading the file says what is wrong.
            }
        }

        @Override
        public void close() {
            credential.ifPresent(c -> {
                switch (c) {
                    case Credential.Key(byte[] key) -> Arrays.fill(key, (byte) 0);
                    case Credential.Passphrase(char[] text) -> Arrays.fill(text, '\0');
                }
            });
        }
    }
}
