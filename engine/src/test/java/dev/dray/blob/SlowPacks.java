package dev.dray.blob;

import dev.dray.error.MachineException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// A store that takes its time to make a pack durable, and knows how many were on their way at once.
public final class SlowPacks implements BlobStore {
    private final BlobStore inner;
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile int mostUnderWay;

    public SlowPacks(BlobStore inner) {
        this.inner = inner;
    }

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
            inner.put(name, bytes);
        } finally {
            if (pack) {
                underWay.decrementAndGet();
            }
        }
    }

    @Override
    public long read(String name, long offset, MemorySegment into) throws MachineException {
        return inner.read(name, offset, into);
    }

    @Override
    public Optional<Long> size(String name) throws MachineException {
        return inner.size(name);
    }

    @Override
    public void list(String kind, Consumer<Entry> each) throws MachineException {
        inner.list(kind, each);
    }

    @Override
    public void delete(String name) throws MachineException {
        inner.delete(name);
    }

    @Override
    public String place() {
        return inner.place();
    }

    @Override
    public void close() {
        inner.close();
    }
}
