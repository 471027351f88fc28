package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.seal.Aead;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What packs hold, by their directories; some hundred are kept. Remembers of every pack whether it is whole.
final class PackShapes implements AutoCloseable {
    /// 128 KiB each at most times four columns of a pack of the smallest frames, some 64 KiB usually.
    private static final int KEPT_MAX = 256;

    /// Frames of one pack, in their order.
    ///
    /// @param offsets of the frames
    /// @param entries sealed bytes, kind and compression of each, as [#entry] makes them
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Shape(int[] offsets, int[] entries) {
        static int entry(int kind, int sealedBytes, boolean compressed) {
            return sealedBytes << 5 | kind << 1 | (compressed ? 1 : 0);
        }

        /// Whether exactly such a frame lies there.
        boolean holds(FrameKind kind, int offset, int sealedBytes, boolean compressed) {
            int index = Arrays.binarySearch(offsets, offset);
            return index >= 0 && entries[index] == entry(kind.number, sealedBytes, compressed);
        }
    }

    private final RepositoryKeys keys;
    private final PackFile file;
    private final Map<String, DrayException> broken = new HashMap<>();
    private final Map<String, Long> bytes = new HashMap<>();
    private final LinkedHashMap<String, Shape> kept = new LinkedHashMap<>(16, 0.75f, true);

    PackShapes(BlobStore store, RepositoryKeys keys) {
        this.keys = keys;
        this.file = new PackFile(store);
    }

    /// What a pack holds; empty if its length, trailer or directory is wrong.
    Optional<Shape> of(String hex) {
        Shape shape = kept.get(hex);
        if (shape != null) {
            return Optional.of(shape);
        }
        if (broken.containsKey(hex)) {
            return Optional.empty();
        }
        try {
            shape = read(hex);
        } catch (CorruptException | RefusedException | MachineException e) {
            broken.put(hex, e);
            bytes.putIfAbsent(hex, 0L);
            return Optional.empty();
        } catch (DrayException e) {
            throw new IllegalStateException(e);
        }
        if (kept.size() == KEPT_MAX) {
            kept.pollFirstEntry();
        }
        kept.put(hex, shape);
        return Optional.of(shape);
    }

    private Shape read(String hex) throws DrayException {
        String object = ObjectName.pack(hex);
        long length = file.bytes(object);
        bytes.put(hex, length);
        try (Aead aead = keys.packAead(hex)) {
            PackDirectory directory = file.directory(object, file.trailer(object, length, aead), aead);
            int[] offsets = new int[directory.frames()];
            int[] entries = new int[directory.frames()];
            int at = 0;
            for (int i = 0; i < offsets.length; i++) {
                offsets[i] = at;
                int sealed = directory.sealedBytes(i);
                entries[i] = Shape.entry(directory.number(i), sealed, directory.compressed(i));
                at += sealed;
            }
            return new Shape(offsets, entries);
        }
    }

    /// Packs that were asked for and are broken, and why.
    Map<String, DrayException> broken() {
        return broken;
    }

    /// Packs that were asked for, with their lengths.
    Map<String, Long> bytes() {
        return bytes;
    }

    @Override
    public void close() {
        file.close();
    }
}
