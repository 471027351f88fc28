package dev.dray.snapshot;

/// How far a writer is.
///
/// @param pagesIn pages submitted, repeated ones counted again
/// @param zeroPages of them, pages of zeros
/// @param knownPages of them, pages that were already stored
/// @param writtenBytes bytes of packs that are durable
public record WriterProgress(long pagesIn, long zeroPages, long knownPages, long writtenBytes) {}
