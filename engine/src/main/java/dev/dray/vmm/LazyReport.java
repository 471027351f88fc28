package dev.dray.vmm;

import dev.dray.page.WorkingSet;
import java.util.List;

/// How the guest was served after it ran.
///
/// @param faults requests that did not find their page in place
/// @param requests all requests, the VMM's own sweep among them
/// @param p50Us median time from a request to its answer, in microseconds, of all requests
/// @param p99Us 99th percentile of the same
/// @param maxUs longest of the same
/// @param histogram counts of answers by time, ascending, without empty buckets
/// @param asked what the guest asked for, to be fetched first the next time
public record LazyReport(
        long faults,
        long requests,
        double p50Us,
        double p99Us,
        double maxUs,
        List<Bucket> histogram,
        WorkingSet asked) {
    public LazyReport {
        histogram = List.copyOf(histogram);
    }

    /// @param upToUs upper limit of the bucket, inclusive
    public record Bucket(double upToUs, long count) {}
}
