package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.vmm.LazyReport.Bucket;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FaultLatencyTest {
    @Test
    void quantilesAreAtMostAnEighthAboveTheTruth() {
        long seed = Long.getLong("dray.seed", System.nanoTime());
        System.out.println("fault latency: -Ddray.seed=" + seed);
        Random random = new Random(seed);
        var latency = new FaultLatency();
        long[] nanos = new long[10_000];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = (long) Math.exp(random.nextDouble() * 25);
            latency.add(nanos[i]);
        }
        Arrays.sort(nanos);
        for (double share : new double[] {0.01, 0.5, 0.9, 0.99, 0.999, 1}) {
            double truth = nanos[(int) Math.ceil(share * nanos.length) - 1] / 1e3;
            assertThat(latency.quantileUs(share)).as("%s", share).isBetween(truth, truth * 1.125 + 0.001);
        }
        assertThat(latency.maxUs()).isEqualTo(nanos[nanos.length - 1] / 1e3);
        assertThat(latency.histogram().stream().mapToLong(Bucket::count).sum()).isEqualTo(nanos.length);
        assertThat(latency.histogram()).isSortedAccordingTo((a, b) -> Double.compare(a.upToUs(), b.upToUs()));
    }

    @Test
    void nothingCountedIsNothing() {
        assertThat(new FaultLatency().quantileUs(0.5)).isZero();
        assertThat(new FaultLatency().histogram()).isEmpty();
    }
}
