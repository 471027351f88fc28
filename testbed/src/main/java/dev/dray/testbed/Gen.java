package dev.dray.testbed;

import java.util.List;
import java.util.SplittableRandom;

/// Seeded random values for property tests. The seed comes from `-Ddray.seed`, else from the clock; a failing
/// test prints it by [#toString()], which belongs into every assertion's description.
public final class Gen {
    private final long seed;
    private final SplittableRandom random;

    private Gen(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
    }

    /// A generator that prints its seed at once, so that also a killed run can be repeated.
    public static Gen create(String test) {
        Long given = Long.getLong("dray.seed");
        var gen = new Gen(given != null ? given : System.nanoTime());
        System.out.println(test + ": -Ddray.seed=" + gen.seed);
        return gen;
    }

    public static Gen of(long seed) {
        return new Gen(seed);
    }

    /// A generator for case `index`, the same whatever other cases have drawn.
    public Gen fork(long index) {
        return new Gen(seed ^ (index + 1) * 0x9E3779B97F4A7C15L);
    }

    public long seed() {
        return seed;
    }

    /// A number from `low` to `high`, both included.
    public int between(int low, int high) {
        return (int) (low + random.nextLong(high - (long) low + 1));
    }

    public long between(long low, long high) {
        return high == Long.MAX_VALUE ? random.nextLong(low, high) : random.nextLong(low, high + 1);
    }

    /// Small numbers often, large ones sometimes: uniform in the number of bits.
    public long skewed(long high) {
        long value = random.nextLong() >>> between(0, 63);
        return Math.floorMod(value, high + 1);
    }

    public boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    public byte[] bytes(int count) {
        var bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    public long bits() {
        return random.nextLong();
    }

    public <T> T oneOf(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    @SafeVarargs
    public final <T> T oneOf(T... values) {
        return values[random.nextInt(values.length)];
    }

    /// The way to repeat this generator's values.
    @Override
    public String toString() {
        return "-Ddray.seed=" + seed;
    }
}
