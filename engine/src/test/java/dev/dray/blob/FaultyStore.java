package dev.dray.blob;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.MachineException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A store that fails as told. What it can do is the fault model that Dray promises to survive: calls that fail
/// before or after they took effect, a process that dies between two calls, short reads, and objects that are
/// damaged, cut or gone. Calls are counted from 1, from the moment the store is made.
///
/// ```
/// FaultyStore store = new FaultyStore(new MemoryStore()).fail(PUT, 3);
/// …
/// store.assertAllHit();
/// ```
public final class FaultyStore implements BlobStore {
    /// What can be counted; CHANGE is any put or delete, ANY is any call.
    public enum Call {
        PUT,
        READ,
        SIZE,
        LIST,
        DELETE,
        CHANGE,
        ANY
    }

    private enum When {
        BEFORE,
        AFTER
    }

    private static final class Fault {
        final Call call;
        final long first;
        final long last;
        final When when;
        boolean hit;

        Fault(Call call, long first, long last, When when) {
            this.call = call;
            this.first = first;
            this.last = last;
            this.when = when;
        }

        @Override
        public String toString() {
            return call + " " + first + (last == first ? "" : " and later") + " " + when;
        }
    }

    /// A change of what reads of one object see.
    private interface Damage {
        /// @return the bytes to say were read; -1 if the object is gone
        long apply(long offset, MemorySegment into, long read);

        default Optional<Long> size(long bytes) {
            return Optional.of(bytes);
        }
    }

    private final BlobStore inner;
    private final Map<Call, Long> counts = new EnumMap<>(Call.class);
    private final List<Fault> faults = new ArrayList<>();
    private final Map<String, Damage> damages = new HashMap<>();
    private final Set<String> untouchedDamages = new HashSet<>();
    private long shortRead;
    private long shortReadBytes;

    public FaultyStore(BlobStore inner) {
        this.inner = inner;
    }

    /// The n-th call of this sort fails and has no effect.
    public synchronized FaultyStore fail(Call call, long n) {
        faults.add(new Fault(call, n, n, When.BEFORE));
        return this;
    }

    /// The n-th call of this sort and all later ones fail: a disk that is full, or a process that died.
    public synchronized FaultyStore failFrom(Call call, long n) {
        faults.add(new Fault(call, n, Long.MAX_VALUE, When.BEFORE));
        return this;
    }

    /// The n-th call of this sort takes effect, and fails: an answer that was lost.
    public synchronized FaultyStore failAfterEffect(Call call, long n) {
        faults.add(new Fault(call, n, n, When.AFTER));
        return this;
    }

    /// From the n-th put or delete on, every call fails: the process died there. Go on with the inner store.
    public synchronized FaultyStore dieAtChange(long n) {
        faults.add(new Fault(Call.CHANGE, n, Long.MAX_VALUE, When.BEFORE));
        return this;
    }

    /// The n-th read gives at most so many bytes.
    public synchronized FaultyStore shortRead(long n, long bytes) {
        shortRead = n;
        shortReadBytes = bytes;
        return this;
    }

    /// All reads of the object see this bit flipped.
    public synchronized FaultyStore flipBit(String name, long bit) {
        return damage(name, (offset, into, read) -> {
            long at = (bit >> 3) - offset;
            if (at >= 0 && at < read) {
                into.set(JAVA_BYTE, at, (byte) (into.get(JAVA_BYTE, at) ^ (1 << (bit & 7))));
            }
            return read;
        });
    }

    /// The object seems to end after so many bytes.
    public synchronized FaultyStore truncate(String name, long bytes) {
        return damage(name, new Damage() {
            @Override
            public long apply(long offset, MemorySegment into, long read) {
                return read < 0 ? read : Math.clamp(bytes - offset, 0, read);
            }

            @Override
            public Optional<Long> size(long whole) {
                return Optional.of(Math.min(whole, bytes));
            }
        });
    }

    /// The object seems to be gone, for reads and lists.
    public synchronized FaultyStore lose(String name) {
        return damage(name, new Damage() {
            @Override
            public long apply(long offset, MemorySegment into, long read) {
                return -1;
            }

            @Override
            public Optional<Long> size(long whole) {
                return Optional.empty();
            }
        });
    }

    private FaultyStore damage(String name, Damage damage) {
        damages.put(name, damage);
        untouchedDamages.add(name);
        return this;
    }

    /// How many calls of this sort there were.
    public synchronized long count(Call call) {
        return counts.getOrDefault(call, 0L);
    }

    /// Throws if a fault was never reached: the test then tested nothing.
    public synchronized void assertAllHit() {
        List<String> missed = new ArrayList<>();
        faults.stream().filter(fault -> !fault.hit).forEach(fault -> missed.add(fault.toString()));
        untouchedDamages.forEach(name -> missed.add("damage of " + name));
        if (shortRead > count(Call.READ)) {
            missed.add("short read " + shortRead);
        }
        if (!missed.isEmpty()) {
            throw new AssertionError("Faults never reached: " + missed + "; calls: " + counts);
        }
    }

    /// Counts a call, and throws if it is to fail before it has an effect.
    ///
    /// @return the faults that strike after it
    private synchronized List<Fault> begin(Call call, String what) throws MachineException {
        List<Fault> after = new ArrayList<>();
        boolean change = call == Call.PUT || call == Call.DELETE;
        counts.merge(call, 1L, Long::sum);
        counts.merge(Call.ANY, 1L, Long::sum);
        if (change) {
            counts.merge(Call.CHANGE, 1L, Long::sum);
        }
        for (Fault fault : faults) {
            boolean dead = fault.call == Call.CHANGE && fault.last == Long.MAX_VALUE && fault.hit;
            boolean sort = fault.call == call || fault.call == Call.ANY || (fault.call == Call.CHANGE && change);
            long n = count(fault.call);
            if (dead || (sort && n >= fault.first && n <= fault.last)) {
                fault.hit = true;
                if (fault.when == When.BEFORE) {
                    throw new MachineException(
                            "Injected fault: " + fault + ", at " + call + " " + what, "This is a test");
                }
                after.add(fault);
            }
        }
        return after;
    }

    private static void end(List<Fault> after) throws MachineException {
        for (Fault fault : after) {
            throw new MachineException("Injected fault: " + fault, "This is a test");
        }
    }

    private synchronized @Nullable Damage damageOf(String name) {
        untouchedDamages.remove(name);
        return damages.get(name);
    }

    private synchronized long shortened(long bytes) {
        return count(Call.READ) == shortRead ? Math.min(bytes, shortReadBytes) : bytes;
    }

    @Override
    public void put(String name, MemorySegment bytes) throws MachineException {
        List<Fault> after = begin(Call.PUT, name);
        inner.put(name, bytes);
        end(after);
    }

    @Override
    public long read(String name, long offset, MemorySegment into) throws MachineException {
        List<Fault> after = begin(Call.READ, name);
        long read = inner.read(name, offset, into.asSlice(0, shortened(into.byteSize())));
        end(after);
        Damage damage = damageOf(name);
        return damage == null ? read : damage.apply(offset, into, read);
    }

    @Override
    public Optional<Long> size(String name) throws MachineException {
        List<Fault> after = begin(Call.SIZE, name);
        Optional<Long> size = inner.size(name);
        end(after);
        Damage damage = damageOf(name);
        return damage == null ? size : size.flatMap(damage::size);
    }

    @Override
    public void list(String kind, Consumer<Entry> each) throws MachineException {
        List<Fault> after = begin(Call.LIST, kind);
        inner.list(kind, entry -> {
            Damage damage = damageOf(entry.name());
            Optional<Long> bytes = damage == null ? Optional.of(entry.bytes()) : damage.size(entry.bytes());
            bytes.ifPresent(size -> each.accept(new Entry(entry.name(), size)));
        });
        end(after);
    }

    @Override
    public void delete(String name) throws MachineException {
        List<Fault> after = begin(Call.DELETE, name);
        inner.delete(name);
        end(after);
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
