package dev.dray;

/// Lists the snapshots of a repository.
public record ListSnapshots(RepositoryAccess repository) implements Operation<Listed> {
    @Override
    public Listed run(Progress progress) throws OperationException {
        throw new UnsupportedOperationException();
    }
}
