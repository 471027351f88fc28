package dev.dray.snapshot;

/// What a snapshot holds and what it cost.
///
/// @param memoryBytes the guest's memory, all regions
/// @param zeroBytes of it, pages of zeros
/// @param absentBytes of it, pages that are not part of the snapshot or were given back by the guest
/// @param readBytes page contents taken from the source; more than the content if pages came repeatedly
/// @param storedBytes what the snapshot references in packs, each frame counted once
/// @param addedBytes what writing it added to the repository, in packs
public record Counters(
        long memoryBytes, long zeroBytes, long absentBytes, long readBytes, long storedBytes, long addedBytes) {
    /// Bytes of pages whose contents are stored.
    public long contentBytes() {
        return memoryBytes - zeroBytes - absentBytes;
    }
}
