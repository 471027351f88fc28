package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.seal.Aead;
import dev.dray.seal.Crypto;
import dev.dray.seal.PageMac;
import dev.dray.seal.SecretKey;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The writer's and the reader's own path for frames of any length, without tables and manifests: to measure
/// what other lengths than a page would give. By one thread.
public final class FramePath implements AutoCloseable {
    private record Identity(long low, long high) {}

    private record Frame(int pack, int offset, int sealedBytes, boolean compressed) {}

    private final BlobStore store;
    private final int frameBytes;
    private final RepositoryKeys keys = new RepositoryKeys(SecretKey.random(), Crypto.best());
    private final PackNames names = new PackNames();
    private final FrameEncoder encoder;
    private final PackBuilder pack;
    private final PageMac identity;
    private final Set<Identity> known = new HashSet<>();
    private final List<Frame> frames = new ArrayList<>();
    private long sealedBytes;

    public FramePath(BlobStore store, Compression compression, int frameBytes) {
        this.store = store;
        this.frameBytes = frameBytes;
        encoder = new FrameEncoder(compression);
        String settings = FrameEncoder.settings(compression);
        pack = new PackBuilder(store, keys, names, settings, Format.PACK_BYTES_TARGET, frameBytes);
        identity = keys.pageIdentity("");
    }

    /// Identifies a frame's contents, and stores them if they are new.
    ///
    /// @param address of `source`, which is native memory
    public void add(ByteBuffer source, long address, int offset) throws MachineException {
        if (!pack.hasRoom(frameBytes)) {
            pack.write();
        }
        identity.mac(address + offset, frameBytes, pack.identityAddress());
        if (known.add(new Identity(pack.identityLow(), pack.identityHigh()))) {
            int at = pack.used();
            int sealed = pack.add(FrameKind.PAGE, source, offset, frameBytes, encoder);
            frames.add(new Frame(pack.number(), at, sealed, encoder.compressed()));
            sealedBytes += sealed;
        }
    }

    /// Makes all frames durable.
    public void write() throws MachineException {
        pack.write();
    }

    /// Frames that were stored.
    public int frames() {
        return frames.size();
    }

    public long sealedBytes() {
        return sealedBytes;
    }

    public long compressedFrames() {
        return frames.stream().filter(Frame::compressed).count();
    }

    /// Reads single frames; for one thread.
    public final class Reader implements AutoCloseable {
        private final FrameReader reader =
                new FrameReader(store, keys, frameBytes + Format.TAG_BYTES + Location.SEALED_MAX, frameBytes);
        private final List<String> packs = new ArrayList<>();
        private final List<String> objects = new ArrayList<>();

        public Reader() {
            for (int i = 0; i < names.count(); i++) {
                packs.add(names.name(i));
                objects.add(ObjectName.pack(names.name(i)));
            }
        }

        /// Reads, opens and decompresses a frame.
        ///
        /// @return the address of its contents
        public long read(int index) throws DrayException {
            Frame frame = frames.get(index);
            String object = objects.get(frame.pack());
            Aead aead = reader.aead(packs.get(frame.pack()));
            reader.read(object, frame.offset(), frame.sealedBytes());
            return reader.open(
                    object,
                    aead,
                    FrameKind.PAGE,
                    0,
                    frame.offset(),
                    frame.sealedBytes(),
                    frame.compressed(),
                    frameBytes);
        }

        public boolean compressed(int index) {
            return frames.get(index).compressed();
        }

        @Override
        public void close() {
            reader.close();
        }
    }

    @Override
    public void close() {
        pack.close();
        encoder.close();
        identity.close();
        keys.close();
    }
}
