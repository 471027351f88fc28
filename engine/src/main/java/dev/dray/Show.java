package dev.dray;

/// Tells everything that is known of a snapshot.
///
/// @param snapshot an id, a prefix of one, `NAME` or `NAME@N`
public record Show(String snapshot, RepositoryAccess repository) implements Operation<Shown> {
    @Override
    public Shown run(Progress progress) throws OperationException {
        throw new UnsupportedOperationException();
    }
}
