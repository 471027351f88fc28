package dev.dray.snapshot;

import dev.dray.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/// Where the page or frame with an identity lies: open addressing outside the heap, 24 bytes a slot, for many
/// threads without locks. It may forget: what does not fit is not entered, and what another thread is just
/// entering is not found; both cost space in the repository, never correctness.
///
/// A slot is taken by setting the first half of the identity, and counts once its location is there: written
/// last (release), read before the second half is compared (acquire).
final class IdentityIndex implements AutoCloseable {
    static final int SLOT_BYTES = 24;

    /// The most that is ever entered: the pages of 1 TiB.
    static final long ENTRIES_MAX = 1L << 28;

    /// Fuller, and searches get long.
    private static final double FULL = 0.75;

    /// Longer than any run of full slots: at this load, the longest among 2^28 entries has about 520.
    private static final int PROBES_MAX = 4096;

    private static final int ID_BYTES = Format.ID_BYTES;
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final MemorySegment identities;
    private final MemorySegment locations;
    private final long slots;
    private final long countMax;
    private final AtomicLong count = new AtomicLong();

    /// @param entries how many it must take
    IdentityIndex(long entries) {
        slots = Math.max(64, (long) Math.ceil(entries / FULL));
        countMax = Math.max(1, entries);
        identities = NativeMemory.map(slots * ID_BYTES);
        locations = NativeMemory.map(slots * Long.BYTES);
    }

    /// Entries that fit in so much memory.
    static long entries(long bytes) {
        return (long) (bytes * FULL) / SLOT_BYTES;
    }

    long count() {
        return count.get();
    }

    /// The location of an identity, or 0.
    long find(long low, long high) {
        long first = low == 0 ? 1 : low;
        long slot = Math.unsignedMultiplyHigh(first, slots);
        for (int probe = 0; probe < PROBES_MAX; probe++) {
            long found = (long) LONG.getAcquire(identities, slot * ID_BYTES);
            if (found == 0) {
                return 0;
            }
            if (found == first) {
                long location = (long) LONG.getAcquire(locations, slot * Long.BYTES);
                if (location == 0) {
                    return 0;
                }
                if ((long) LONG.get(identities, slot * ID_BYTES + Long.BYTES) == high) {
                    return location;
                }
            }
            slot = slot + 1 == slots ? 0 : slot + 1;
        }
        return 0;
    }

    /// Enters a location, not 0, unless the identity is there, or there is no room.
    void insert(long low, long high, long location) {
        if (count.get() >= countMax) {
            return;
        }
        long first = low == 0 ? 1 : low;
        long slot = Math.unsignedMultiplyHigh(first, slots);
        for (int probe = 0; probe < PROBES_MAX; probe++) {
            long found = (long) LONG.getAcquire(identities, slot * ID_BYTES);
            if (found == 0 && LONG.compareAndSet(identities, slot * ID_BYTES, 0L, first)) {
                LONG.set(identities, slot * ID_BYTES + Long.BYTES, high);
                LONG.setRelease(locations, slot * Long.BYTES, location);
                count.incrementAndGet();
                return;
            }
            if (found == first) {
                return;
            }
            slot = slot + 1 == slots ? 0 : slot + 1;
        }
    }

    @Override
    public void close() {
        NativeMemory.unmap(identities);
        NativeMemory.unmap(locations);
    }
}
