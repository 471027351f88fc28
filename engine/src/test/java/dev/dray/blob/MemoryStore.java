package dev.dray.blob;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.MachineException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;

/// A store in memory, for tests: as strict as the contract allows. It survives [#close], as a disk would; its
/// objects can be changed and taken away behind the back of whoever uses it.
public class MemoryStore implements BlobStore {
    private final ConcurrentSkipListMap<String, byte[]> objects = new ConcurrentSkipListMap<>();

    @Override
    public void put(String name, MemorySegment bytes) throws MachineException {
        BlobName.check(name);
        if (!bytes.isNative() || bytes.byteSize() == 0) {
            throw new IllegalArgumentException("An object is made of at least one byte of native memory: " + name);
        }
        if (objects.putIfAbsent(name, bytes.toArray(JAVA_BYTE)) != null) {
            throw new MachineException(name + " exists already in " + place(), "");
        }
    }

    @Override
    public long read(String name, long offset, MemorySegment into) {
        BlobName.check(name);
        if (!into.isNative() || offset < 0) {
            throw new IllegalArgumentException("Reads into native memory, at offset " + offset + " of " + name);
        }
        byte[] object = objects.get(name);
        if (object == null) {
            return -1;
        }
        long bytes = Math.clamp(object.length - offset, 0, into.byteSize());
        if (bytes > 0) {
            MemorySegment.copy(object, (int) offset, into, JAVA_BYTE, 0, (int) bytes);
        }
        return bytes;
    }

    @Override
    public Optional<Long> size(String name) {
        BlobName.check(name);
        return Optional.ofNullable(objects.get(name)).map(object -> (long) object.length);
    }

    @Override
    public void list(String kind, Consumer<Entry> each) {
        BlobName.checkKind(kind);
        objects.forEach((name, object) -> {
            if (name.startsWith(kind + "/")) {
                each.accept(new Entry(name, object.length));
            }
        });
    }

    @Override
    public void delete(String name) {
        BlobName.check(name);
        objects.remove(name);
    }

    @Override
    public String place() {
        return "memory";
    }

    @Override
    public void close() {}

    /// The object's bytes themselves: to change them is to damage the object.
    public byte[] bytes(String name) {
        byte[] object = objects.get(name);
        if (object == null) {
            throw new IllegalArgumentException("No object " + name);
        }
        return object;
    }

    /// Puts these bytes in the object's place, whatever was there.
    public void replace(String name, byte[] bytes) {
        objects.put(name, bytes.clone());
    }

    /// Another store with copies of all objects.
    public MemoryStore copy() {
        MemoryStore copy = new MemoryStore();
        objects.forEach((name, bytes) -> copy.objects.put(name, bytes.clone()));
        return copy;
    }
}
