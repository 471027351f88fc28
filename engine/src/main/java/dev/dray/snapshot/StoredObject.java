package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.MachineException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Whole objects as arrays, for those that are small.
final class StoredObject {
    private StoredObject() {}

    /// @throws CorruptException if it is missing or longer than `bytesMax`
    static byte[] read(BlobStore store, String name, int bytesMax) throws MachineException, CorruptException {
        long bytes = store.size(name).orElse(-1L);
        if (bytes < 0) {
            throw missing(name);
        }
        if (bytes > bytesMax) {
            throw Envelope.damaged(name, "it has " + bytes + " bytes, at most " + bytesMax + " are allowed");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(Math.max(1, bytes));
            long read = bytes == 0 ? 0 : store.read(name, 0, into);
            if (read < 0) {
                throw missing(name);
            }
            return into.asSlice(0, read).toArray(Format.U8);
        }
    }

    static void put(BlobStore store, String name, byte[] object) throws MachineException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(object.length);
            MemorySegment.copy(object, 0, bytes, Format.U8, 0, object.length);
            store.put(name, bytes);
        }
    }

    static CorruptException missing(String name) {
        return new CorruptException(
                "Object " + name + " is missing",
                "Run dray verify to see what depends on it, and restore the object from a copy of the repository");
    }
}
