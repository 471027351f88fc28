package dev.dray.blob;

import dev.dray.error.MachineException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Consumer;

/// Write-once objects under names. It asks little, so that object storage can give it: no rename, no append,
/// no order of listing, no clock. Names are those of [BlobName]; an implementation refuses others with an
/// IllegalArgumentException. All methods may be called by many threads; what they read and write is native memory.
public interface BlobStore extends AutoCloseable {
    int NAME_CHARS_MAX = 128;

    /// Creates an object with these bytes. When it returns, the object is durable and whole; if the process
    /// dies before, the object is absent, whole, or (only in stores that cannot prevent it) a prefix, never
    /// other bytes.
    ///
    /// @param bytes native memory, at least one byte
    /// @throws MachineException if it exists already, or cannot be written
    void put(String name, MemorySegment bytes) throws MachineException;

    /// Reads `into.byteSize()` bytes at `offset`, fewer if the object ends before, and says how many.
    ///
    /// @return bytes read; -1 if there is no such object
    long read(String name, long offset, MemorySegment into) throws MachineException;

    /// The object's length in bytes, or empty if there is none.
    Optional<Long> size(String name) throws MachineException;

    /// Calls `each` for every object whose name starts with `kind/`, in no particular order. An object
    /// created or deleted meanwhile may be seen or not.
    void list(String kind, Consumer<Entry> each) throws MachineException;

    /// Deletes an object; no error if there is none.
    void delete(String name) throws MachineException;

    /// What to call the place in messages: a path or a URL.
    String place();

    @Override
    void close();

    /// One listed object.
    ///
    /// @param name its whole name, with the kind
    /// @param bytes its length
    record Entry(String name, long bytes) {}
}
