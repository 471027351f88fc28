package dev.dray.blob;

import dev.dray.error.MachineException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// A store that takes its time to make a pack durable, and knows how many were on their way at once.
public final class SlowPacks extends MemoryStore {
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile int mostUnderWay;

    public int mostUnderWay() {
        return mostUnderWay;
    }

    @Override
    public void put(String name, MemorySegment bytes) throws MachineException {
        boolean pack = name.startsWith("packs/");
        if (pack) {
            mostUnderWay = Math.max(mostUnderWay, underWay.incrementAndGet());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
        }
        try {
            super.put(name, bytes);
        } finally {
            if (pack) {
                underWay.decrementAndGet();
            }
        }
    }
}
