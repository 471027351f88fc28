package dev.dray.machine.guest;

import dev.dray.memory.PageSize;

/// What a [BareMetalGuest] is to do with its memory.
///
/// @param start first address it owns, not below 1 MiB
/// @param end end of what it owns, at most [#END_MAX]
/// @param hotEnd end of what it visits and changes in each pass; from here to `end` it only looks
/// @param coldPages how many of the pages from `hotEnd` on it checks after each pass, going round
/// @param fill what its pages hold
/// @param thoroughness how much of a page it checks on a visit
/// @param dirtyBytesPerSecond how fast it changes pages, 4096 bytes each; 0 for as fast as it can
/// @param scatteredFromPass after this pass it changes every twentieth page only; 0 for never. The commands
///     [BareMetalGuest#SCATTERED] and [BareMetalGuest#DENSE] on the serial port do so at any time
public record Parameters(
        long start,
        long end,
        long hotEnd,
        int coldPages,
        Fill fill,
        Thoroughness thoroughness,
        long dirtyBytesPerSecond,
        int scatteredFromPass) {
    /// Below this, firmware and the guest's own code have their place.
    public static final long START_MIN = 1L << 20;

    /// 3 GiB: a `pc` machine's memory is without a hole up to here, however much it has; a `q35` machine's as
    /// well while it has less than 2.75 GiB, and up to 2 GiB if it has more. What lies above is left alone.
    public static final long END_MAX = 3L << 30;

    /// Smallest guest: 8 MiB.
    public static final long MEMORY_MIN = 8L << 20;

    /// Largest guest: 4 GiB, of which it uses what is below [#END_MAX].
    public static final long MEMORY_MAX = 4L << 30;

    public Parameters {
        check(start >= START_MIN && PageSize.isAligned(start), "start", start);
        check(end > start && end <= END_MAX && PageSize.isAligned(end), "end", end);
        check(hotEnd > start && hotEnd <= end && PageSize.isAligned(hotEnd), "hotEnd", hotEnd);
        check(coldPages >= 0, "coldPages", coldPages);
        check(dirtyBytesPerSecond >= 0, "dirtyBytesPerSecond", dirtyBytesPerSecond);
        check(scatteredFromPass >= 0, "scatteredFromPass", scatteredFromPass);
    }

    /// A guest that owns and visits all memory of a machine, half of it incompressible, at full speed.
    public static Parameters ofMemory(long memoryBytes) {
        check(memoryBytes >= MEMORY_MIN && memoryBytes <= MEMORY_MAX, "memoryBytes", memoryBytes);
        long end = Math.min(memoryBytes, END_MAX);
        return new Parameters(START_MIN, end, end, 256, Fill.HALF, Thoroughness.EVERY_BYTE, 0, 0);
    }

    /// Visits only the first `bytes` from `start` in each pass.
    public Parameters withHotBytes(long bytes) {
        return new Parameters(
                start, end, start + bytes, coldPages, fill, thoroughness, dirtyBytesPerSecond, scatteredFromPass);
    }

    public Parameters withColdPages(int pages) {
        return new Parameters(start, end, hotEnd, pages, fill, thoroughness, dirtyBytesPerSecond, scatteredFromPass);
    }

    public Parameters with(Fill other) {
        return new Parameters(
                start, end, hotEnd, coldPages, other, thoroughness, dirtyBytesPerSecond, scatteredFromPass);
    }

    public Parameters with(Thoroughness other) {
        return new Parameters(start, end, hotEnd, coldPages, fill, other, dirtyBytesPerSecond, scatteredFromPass);
    }

    public Parameters withDirtyRate(long bytesPerSecond) {
        return new Parameters(start, end, hotEnd, coldPages, fill, thoroughness, bytesPerSecond, scatteredFromPass);
    }

    public Parameters withScatteredFromPass(int pass) {
        return new Parameters(start, end, hotEnd, coldPages, fill, thoroughness, dirtyBytesPerSecond, pass);
    }

    private static void check(boolean ok, String what, long value) {
        if (!ok) {
            throw new IllegalArgumentException(what + " 0x" + Long.toHexString(value));
        }
    }
}
