package dev.dray.snapshot;

import dev.dray.memory.PageSize;

/// How a snapshot is to be written.
///
/// @param name the guest's name; see [GuestName]
/// @param compression of page contents
/// @param workers threads that identify, compress and seal
/// @param batches page batches of 1 MiB in flight
/// @param expectedMemoryBytes the memory of the guest if known, else 0; the index of stored pages grows with
///     it
public record WriterOptions(String name, Compression compression, int workers, int batches, long expectedMemoryBytes) {
    public static final int WORKERS_MAX = 64;

    /// One that is filled while another is worked on.
    static final int BATCHES_MIN = 2;

    public static final int BATCHES_MAX = 256;

    private static final long INDEX_BYTES_MIN = 64L << 20;

    public WriterOptions {
        if (workers < 1
                || workers > WORKERS_MAX
                || batches < BATCHES_MIN
                || batches > BATCHES_MAX
                || expectedMemoryBytes < 0) {
            throw new IllegalArgumentException(workers + " workers, " + batches + " batches");
        }
    }

    /// What fits most hosts: a worker a core up to four, eight batches.
    public static WriterOptions of(String name) {
        int workers = Math.min(4, Runtime.getRuntime().availableProcessors());
        return new WriterOptions(name, new Compression.Auto(), workers, 8, 0);
    }

    /// How many stored pages the index may know: as many as fit in 64 MiB, or in 0.8 % of the guest's memory,
    /// which is all pages that the guest can have.
    long indexEntriesMax() {
        return Math.max(IdentityIndex.entries(INDEX_BYTES_MIN), PageSize.pages(expectedMemoryBytes));
    }

    public WriterOptions with(Compression other) {
        return new WriterOptions(name, other, workers, batches, expectedMemoryBytes);
    }

    public WriterOptions expecting(long memoryBytes) {
        return new WriterOptions(name, compression, workers, batches, memoryBytes);
    }
}
