package dev.dray;

/// The user's choice of compression in the words of the repository.
final class CompressionChoice {
    private CompressionChoice() {}

    static dev.dray.snapshot.Compression of(Compression choice) {
        return switch (choice) {
            case Compression.Auto _ -> new dev.dray.snapshot.Compression.Auto();
            case Compression.None _ -> new dev.dray.snapshot.Compression.None();
            case Compression.Zstd(int level) -> new dev.dray.snapshot.Compression.Zstd(level);
        };
    }
}
