package dev.dray;

import java.util.List;

/// Proves that snapshots are whole.
///
/// @param snapshots which ones; empty for all
/// @param expect ids of snapshots that must be there, known from elsewhere
public record Verify(RepositoryAccess repository, List<String> snapshots, Depth depth, List<String> expect)
        implements Operation<Verified> {
    public Verify {
        snapshots = List.copyOf(snapshots);
        expect = List.copyOf(expect);
    }

    /// All snapshots, every byte.
    public static Verify of(RepositoryAccess repository) {
        return new Verify(repository, List.of(), new Depth.Data(), List.of());
    }

    @Override
    public Verified run(Progress progress) throws OperationException {
        return VerifyRun.run(this, progress);
    }

    /// How much is read.
    public sealed interface Depth {
        /// Manifests and page tables; of contents, only that they are there.
        record Structure() implements Depth {}

        /// Every byte.
        record Data() implements Depth {}

        /// The n-th of m equal parts of the data, so that m runs read all of it.
        record Part(int n, int m) implements Depth {}

        /// So many percent of the data, chosen at random.
        record Percent(double percent) implements Depth {}
    }
}
