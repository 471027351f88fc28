package dev.dray.machine.vmm;

import java.util.Arrays;
import java.util.Locale;

/// How long things took, each for itself, so that no bucket blurs a comparison. Adding one allocates nothing.
public final class Durations {
    /// Most that are kept: one for each page of 8 GiB.
    private static final int COUNT_MAX = 1 << 21;

    private final int[] nanos;
    private int count;

    /// @param expected how many there will be; those beyond, and those beyond the most that are kept, are not counted
    public Durations(long expected) {
        nanos = new int[(int) Math.min(expected, COUNT_MAX)];
    }

    public void add(long elapsedNanos) {
        if (count < nanos.length) {
            nanos[count++] = Math.clamp(elapsedNanos, 0, Integer.MAX_VALUE);
        }
    }

    /// `NAME_n=3 NAME_p50_us=1.0 …`, for whoever reads logs with a program.
    public String summary(String name) {
        int[] sorted = Arrays.copyOf(nanos, count);
        Arrays.sort(sorted);
        return String.format(
                Locale.ROOT,
                "%1$s_n=%2$d %1$s_p50_us=%3$.1f %1$s_p99_us=%4$.1f %1$s_p999_us=%5$.1f %1$s_max_us=%6$.1f",
                name,
                count,
                us(sorted, 0.5),
                us(sorted, 0.99),
                us(sorted, 0.999),
                us(sorted, 1));
    }

    /// What this share of them took at most.
    private static double us(int[] sorted, double share) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(share * sorted.length) - 1] / 1e3;
    }
}
