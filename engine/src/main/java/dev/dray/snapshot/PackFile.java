package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.seal.Aead;
import java.lang.foreign.MemorySegment;

/// Reads the trailer and directory of stored packs. Its buffers are used again: a directory stays until the
/// next is read. By one thread.
final class PackFile implements AutoCloseable {
    private final BlobStore store;
    private final MemorySegment tail = NativeMemory.map(PackTrailer.BYTES);
    private final MemorySegment entries = NativeMemory.map(PackDirectory.lengthSealed(Format.PACK_FRAMES_MAX));

    PackFile(BlobStore store) {
        this.store = store;
    }

    /// The pack's length.
    ///
    /// @throws CorruptException if it is missing, or of a length that no pack has
    long bytes(String object) throws MachineException, CorruptException {
        long bytes = store.size(object).orElse(-1L);
        if (bytes < 0) {
            throw StoredObject.missing(object);
        }
        if (bytes <= PackTrailer.BYTES || bytes > Format.PACK_BYTES_MAX) {
            throw Envelope.damaged(object, "it has " + bytes + " bytes");
        }
        return bytes;
    }

    PackTrailer trailer(String object, long bytes, Aead aead) throws DrayException {
        read(object, bytes - PackTrailer.BYTES, tail);
        return PackTrailer.read(tail, object, bytes, aead);
    }

    PackDirectory directory(String object, PackTrailer trailer, Aead aead) throws DrayException {
        int sealed = trailer.directorySealedBytes();
        read(object, trailer.directoryOffset(), entries.asSlice(0, sealed));
        long address = entries.address();
        int offset = trailer.directoryOffset();
        if (!aead.open(FrameKind.DIRECTORY.number, offset, MemorySegment.NULL, address, sealed, address)) {
            throw Envelope.damaged(object, "its directory is not authentic");
        }
        MemorySegment opened = entries.asSlice(0, sealed - (long) Format.TAG_BYTES);
        return new PackDirectory(opened, trailer.frames()).check(object, offset);
    }

    private void read(String object, long offset, MemorySegment into) throws MachineException, CorruptException {
        long read = store.read(object, offset, into);
        if (read != into.byteSize()) {
            throw read < 0
                    ? StoredObject.missing(object)
                    : Envelope.damaged(object, "it ends before offset " + (offset + into.byteSize()));
        }
    }

    @Override
    public void close() {
        NativeMemory.unmap(tail);
        NativeMemory.unmap(entries);
    }
}
