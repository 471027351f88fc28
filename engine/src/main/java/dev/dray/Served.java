package dev.dray;

import dev.dray.vmm.LazyReport;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// How a guest was served that ran before it had all its memory.
///
/// @param faults requests that did not find their page in place
/// @param requests all requests, the VMM's own sweep among them
/// @param p50Us median time from a request to its answer, in microseconds
/// @param p99Us 99th percentile of the same
/// @param maxUs longest of the same
/// @param histogram answers by the time they took, ascending
public record Served(long faults, long requests, double p50Us, double p99Us, double maxUs, List<Bucket> histogram) {
    public Served {
        histogram = List.copyOf(histogram);
    }

    /// @param upToUs upper limit, inclusive
    /// @param count answers that took so long, and longer than the bucket before
    public record Bucket(double upToUs, long count) {}

    static Served of(LazyReport report) {
        return new Served(
                report.faults(),
                report.requests(),
                report.p50Us(),
                report.p99Us(),
                report.maxUs(),
                report.histogram().stream()
                        .map(each -> new Bucket(each.upToUs(), each.count()))
                        .toList());
    }

    void addTo(ObjectNode json) {
        json.put("faults", faults)
                .put("requests", requests)
                .put("fault_p50_us", us(p50Us))
                .put("fault_p99_us", us(p99Us))
                .put("fault_max_us", us(maxUs));
        var array = json.putArray("fault_histogram");
        histogram.forEach(
                each -> array.addObject().put("up_to_us", us(each.upToUs())).put("count", each.count()));
    }

    private static BigDecimal us(double us) {
        return BigDecimal.valueOf(us).setScale(1, RoundingMode.HALF_UP);
    }
}
