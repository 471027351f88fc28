package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.seal.Aead;
import dev.dray.seal.SecretKey;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// Fills one pack after another in one buffer: payloads with room for their tags; when the pack is full it is
/// named, sealed in place and written. By one thread.
final class PackBuilder implements AutoCloseable {
    private final BlobStore store;
    private final RepositoryKeys keys;
    private final PackNames names;
    private final String settings;
    private final int bytesTarget;
    private final MemorySegment buffer;
    private final ByteBuffer view;
    private final MemorySegment directory;
    private final List<String> written = new ArrayList<>();
    private final Aead aead;

    private int number = -1;
    private String name = "";
    private int used;
    private int frames;
    private long writtenBytes;

    /// @param settings what decides payloads besides their contents, see [FrameEncoder#settings]
    /// @param frameBytesMax the longest contents that are added
    PackBuilder(
            BlobStore store,
            RepositoryKeys keys,
            PackNames names,
            String settings,
            int bytesTarget,
            int frameBytesMax) {
        this.store = store;
        this.keys = keys;
        this.names = names;
        this.settings = settings;
        this.bytesTarget = bytesTarget;
        buffer = NativeMemory.map(bytesTarget + (long) FrameEncoder.bound(frameBytesMax) + PackTrailer.BYTES);
        view = buffer.asByteBuffer();
        directory = NativeMemory.map((Format.PACK_FRAMES_MAX + 1L) * PackDirectory.ENTRY_BYTES);
        try (SecretKey unused = SecretKey.random()) {
            aead = keys.crypto().aead(unused);
        }
    }

    /// Where the identity of the frame that is added next belongs. It may be written before it is known
    /// whether the frame is added.
    long identityAddress() {
        return directory.address() + (long) frames * PackDirectory.ENTRY_BYTES;
    }

    long identityLow() {
        return directory.get(Format.U64, (long) frames * PackDirectory.ENTRY_BYTES);
    }

    long identityHigh() {
        return directory.get(Format.U64, (long) frames * PackDirectory.ENTRY_BYTES + Long.BYTES);
    }

    /// Whether a frame of so many bytes fits; if not, [#write] first.
    boolean hasRoom(int bytes) {
        long tail = (frames + 1L) * PackDirectory.ENTRY_BYTES + Format.TAG_BYTES + PackTrailer.BYTES;
        return frames < Format.PACK_FRAMES_MAX && used + (long) bytes + Format.TAG_BYTES + tail <= bytesTarget;
    }

    /// Adds a frame whose identity is at [#identityAddress].
    ///
    /// @return where it lies, with the pack's number; sealed lengths are those of [Location] for pages only
    long addPage(ByteBuffer source, int sourceOffset, int bytes, FrameEncoder encoder) {
        int offset = used;
        int sealed = add(FrameKind.PAGE, source, sourceOffset, bytes, encoder);
        return Location.content(number, offset, sealed, encoder.compressed());
    }

    /// Adds a frame of metadata whose identity is at [#identityAddress].
    ///
    /// @return its sealed bytes; it lies at [#used()] as it was before
    int add(FrameKind kind, ByteBuffer source, int sourceOffset, int bytes, FrameEncoder encoder) {
        if (number < 0) {
            number = names.reserve();
            encoder.beginPack();
        }
        int sealed = encoder.encode(source, sourceOffset, bytes, view, used) + Format.TAG_BYTES;
        PackDirectory.setFrame(directory, frames, kind, sealed, encoder.compressed());
        frames++;
        used += sealed;
        return sealed;
    }

    /// The number of the pack that is being filled; it has one once a frame was added.
    int number() {
        return number;
    }

    int used() {
        return used;
    }

    boolean isEmpty() {
        return frames == 0;
    }

    long writtenBytes() {
        return writtenBytes;
    }

    /// The packs written so far, as hex.
    List<String> written() {
        return written;
    }

    /// Names the pack, to which nothing is added any more until it is written. Does nothing if it is empty.
    void name() {
        if (frames > 0 && name.isEmpty()) {
            int bytes = frames * PackDirectory.ENTRY_BYTES;
            name = ObjectName.hex(keys.freshId("pack-name", directory.address(), bytes, settings));
            names.name(number, name);
        }
    }

    /// Names, seals and writes the pack; when it returns, the pack is durable. Does nothing if it is empty.
    void write() throws MachineException {
        if (frames == 0) {
            return;
        }
        name();
        try (SecretKey key = keys.pack(name)) {
            aead.rekey(key);
        }
        long total = seal(frames * PackDirectory.ENTRY_BYTES);
        written.add(name);
        store.put(ObjectName.pack(name), buffer.asSlice(0, total));
        writtenBytes += total;
        number = -1;
        name = "";
        used = 0;
        frames = 0;
    }

    private long seal(int directoryBytes) {
        PackDirectory entries = new PackDirectory(directory, frames);
        int at = 0;
        for (int i = 0; i < frames; i++) {
            long plain = buffer.address() + at;
            int sealed = entries.sealedBytes(i);
            aead.seal(entries.number(i), at, MemorySegment.NULL, plain, sealed - Format.TAG_BYTES, plain);
            at += sealed;
        }
        long into = buffer.address() + at;
        aead.seal(FrameKind.DIRECTORY.number, at, MemorySegment.NULL, directory.address(), directoryBytes, into);
        int sealedDirectory = directoryBytes + Format.TAG_BYTES;
        new PackTrailer(at, sealedDirectory, frames)
                .write(buffer.asSlice((long) at + sealedDirectory, PackTrailer.BYTES), aead);
        return (long) at + sealedDirectory + PackTrailer.BYTES;
    }

    @Override
    public void close() {
        aead.close();
        NativeMemory.unmap(buffer);
        NativeMemory.unmap(directory);
    }
}
