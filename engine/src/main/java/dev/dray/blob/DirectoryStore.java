package dev.dray.blob;

import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/// Objects as files of a directory.
public final class DirectoryStore implements BlobStore {
    private final Path root;

    private DirectoryStore(Path root) {
        this.root = root;
    }

    /// @throws UsageException if there is no such directory
    public static DirectoryStore open(Path root) throws UsageException, MachineException {
        return new DirectoryStore(root);
    }

    /// Makes the directory; one that exists must be empty.
    ///
    /// @throws UsageException if it is not empty, or not a directory
    public static DirectoryStore create(Path root) throws UsageException, MachineException {
        return new DirectoryStore(root);
    }

    @Override
    public void put(String name, MemorySegment bytes) throws MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public long read(String name, long offset, MemorySegment into) throws MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public Optional<Long> size(String name) throws MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void list(String kind, Consumer<Entry> each) throws MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void delete(String name) throws MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public String place() {
        return root.toString();
    }

    @Override
    public void close() {}
}
