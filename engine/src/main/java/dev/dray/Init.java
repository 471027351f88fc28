package dev.dray;

import java.util.Locale;

/// Makes a new repository.
///
/// @param repository where, and the first key: a key file is made if it is missing
/// @param encryption false to store in plain text, which protects against accidents only; the key is then
///     [KeySource.None]
public record Init(RepositoryAccess repository, boolean encryption, Dedup dedup) implements Operation<Initialized> {
    @Override
    public Initialized run(Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> InitRun.run(this, progress));
    }

    /// Between which snapshots equal pages are stored once.
    public enum Dedup {
        /// All of the repository.
        REPOSITORY,
        /// Those of one guest: nobody can learn from sizes what another guest holds.
        GUEST;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
