package dev.dray.snapshot;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.seal.Aead;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/// Reads and opens pieces of packs: one read, one authentication, one decompression, in buffers that are used
/// again. By one thread.
final class FrameReader implements AutoCloseable {
    /// Accepts contents of any length that fits.
    static final int ANY_LENGTH = -1;

    /// Packs whose keys are kept ready, by kilobytes each: 16 GiB of stored pages.
    private static final int AEADS_MAX = 1024;

    private final BlobStore store;
    private final RepositoryKeys keys;
    private final MemorySegment sealed;
    private final ByteBuffer sealedView;
    private final MemorySegment plain;
    private final ByteBuffer plainView;
    private final ZstdDecompressCtx zstd = new ZstdDecompressCtx();
    private final Map<String, Aead> aeads = new HashMap<>();
    private int plainBytes;

    /// Beginnings of [#sealed], by length, so that reads of single frames make no objects.
    private final MemorySegment[] beginnings = new MemorySegment[Location.SEALED_MAX + 1];

    /// @param sealedBytesMax the longest piece that is read at once
    /// @param plainBytesMax the longest frame when decompressed
    FrameReader(BlobStore store, RepositoryKeys keys, int sealedBytesMax, int plainBytesMax) {
        this.store = store;
        this.keys = keys;
        sealed = NativeMemory.map(sealedBytesMax);
        sealedView = sealed.asByteBuffer();
        plain = NativeMemory.map(plainBytesMax);
        plainView = plain.asByteBuffer();
    }

    /// The pack's authenticated encryption.
    Aead aead(String packHex) {
        Aead aead = aeads.get(packHex);
        if (aead == null) {
            if (aeads.size() == AEADS_MAX) {
                aeads.values().forEach(Aead::close);
                aeads.clear();
            }
            aead = keys.packAead(packHex);
            aeads.put(packHex, aead);
        }
        return aead;
    }

    /// Reads a piece of a pack to the beginning of [#sealed()].
    ///
    /// @param object the pack's object name
    /// @throws CorruptException if the pack is missing or shorter
    void read(String object, int offset, int bytes) throws MachineException, CorruptException {
        long read = store.read(object, offset, beginning(bytes));
        if (read < 0) {
            throw StoredObject.missing(object);
        }
        if (read != bytes) {
            throw Envelope.damaged(
                    object, "it ends " + (bytes - read) + " bytes before offset " + (offset + (long) bytes));
        }
    }

    private MemorySegment beginning(int bytes) {
        if (bytes > Location.SEALED_MAX) {
            return sealed.asSlice(0, bytes);
        }
        MemorySegment known = beginnings[bytes];
        if (known == null) {
            known = sealed.asSlice(0, bytes);
            beginnings[bytes] = known;
        }
        return known;
    }

    /// Where [#read] reads to.
    MemorySegment sealed() {
        return sealed;
    }

    /// Opens a frame that was read, in its place, and decompresses it.
    ///
    /// @param object the pack's object name, for messages
    /// @param at its place in [#sealed()]
    /// @param offset its place in the pack
    /// @param expectedBytes what it must have when decompressed, or [#ANY_LENGTH]
    /// @return the address of its contents; they stay until the next call
    long open(
            String object,
            Aead aead,
            FrameKind kind,
            int at,
            int offset,
            int sealedBytes,
            boolean compressed,
            int expectedBytes)
            throws CorruptException {
        long address = sealed.address() + at;
        if (!aead.open(kind.number, offset, MemorySegment.NULL, address, sealedBytes, address)) {
            throw Envelope.damaged(object, "the frame of " + sealedBytes + " bytes at " + offset + " is not authentic");
        }
        int payload = sealedBytes - Format.TAG_BYTES;
        if (!compressed) {
            plainBytes = payload;
        } else {
            int room = expectedBytes == ANY_LENGTH ? plainView.capacity() : expectedBytes;
            plainBytes = decompress(object, at, offset, payload, room);
        }
        if (expectedBytes != ANY_LENGTH && plainBytes != expectedBytes) {
            throw Envelope.damaged(
                    object,
                    "the frame at " + offset + " has " + plainBytes + " bytes when opened, expected " + expectedBytes);
        }
        return compressed ? plain.address() : address;
    }

    /// The length of the contents that [#open] gave last.
    int plainBytes() {
        return plainBytes;
    }

    private int decompress(String object, int at, int offset, int payload, int room) throws CorruptException {
        try {
            return zstd.decompressDirectByteBuffer(plainView, 0, room, sealedView, at, payload);
        } catch (ZstdException e) {
            throw new CorruptException(
                    "Object " + object + " is damaged: the frame at " + offset + " cannot be decompressed",
                    "This is a defect of the Dray that wrote it; please report it",
                    e);
        }
    }

    /// Reads a frame of metadata.
    ///
    /// @return its contents; they stay until the next call
    MemorySegment metadata(FrameRef ref, FrameKind kind) throws DrayException {
        String object = ObjectName.pack(ref.pack());
        read(object, ref.offset(), ref.sealedBytes());
        long address = open(
                object, aead(ref.pack()), kind, 0, ref.offset(), ref.sealedBytes(), ref.compressed(), ref.plainBytes());
        MemorySegment from = address == plain.address() ? plain : sealed;
        return from.asSlice(0, ref.plainBytes());
    }

    @Override
    public void close() {
        aeads.values().forEach(Aead::close);
        zstd.close();
        NativeMemory.unmap(sealed);
        NativeMemory.unmap(plain);
    }
}
