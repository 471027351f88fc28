package dev.dray.vmm.cloudhypervisor;

import dev.dray.vmm.LazyReport.Bucket;
import java.util.ArrayList;
import java.util.List;

/// How long answers took, counted in buckets that grow with the time: 8 for each doubling, so that what is read back is
/// at most an eighth too long. Counting allocates nothing. Belongs to one thread; read when that has ended.
final class FaultLatency {
    private static final int STEPS_SHIFT = 3;
    private static final int STEPS = 1 << STEPS_SHIFT;

    private final long[] counts = new long[STEPS * Long.SIZE];
    private long count;
    private long maxNanos;

    void add(long nanos) {
        counts[bucket(nanos)]++;
        count++;
        if (nanos > maxNanos) {
            maxNanos = nanos;
        }
    }

    long count() {
        return count;
    }

    double maxUs() {
        return maxNanos / 1e3;
    }

    /// The time that this share of the answers took at most, in microseconds; 0 if there were none.
    double quantileUs(double share) {
        long left = (long) Math.ceil(share * count);
        for (int i = 0; i < counts.length; i++) {
            left -= counts[i];
            if (counts[i] > 0 && left <= 0) {
                return Math.min(limit(i), maxNanos) / 1e3;
            }
        }
        return 0;
    }

    List<Bucket> histogram() {
        var buckets = new ArrayList<Bucket>();
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] > 0) {
                buckets.add(new Bucket(limit(i) / 1e3, counts[i]));
            }
        }
        return buckets;
    }

    private static int bucket(long nanos) {
        if (nanos < STEPS) {
            return (int) Math.max(0, nanos);
        }
        int shift = Long.SIZE - 1 - STEPS_SHIFT - Long.numberOfLeadingZeros(nanos);
        return (shift + 1) * STEPS + (int) (nanos >>> shift) - STEPS;
    }

    /// The longest time that a bucket counts.
    private static long limit(int bucket) {
        if (bucket < STEPS) {
            return bucket;
        }
        int shift = bucket / STEPS - 1;
        return ((long) (STEPS + bucket % STEPS + 1) << shift) - 1;
    }
}
