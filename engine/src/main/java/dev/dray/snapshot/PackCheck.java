package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.seal.Aead;
import dev.dray.seal.PageMac;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/// Reads whole packs: every frame is authenticated, decompressed, and its contents identified again, which
/// must give what was put into the directory when the page was captured. By one thread.
final class PackCheck implements AutoCloseable {
    private static final int READ_BYTES = 1 << 20;

    private final RepositoryKeys keys;
    private final PackFile file;
    private final FrameReader reader;
    private final Damage damage;
    private final Map<FrameKind, PageMac> macs = new EnumMap<>(FrameKind.class);
    private String macDomain = "";
    private final MemorySegment identity = NativeMemory.map(PageMac.MAC_BYTES);
    private long frames;
    private long bytes;

    PackCheck(BlobStore store, RepositoryKeys keys, Damage damage) {
        this.keys = keys;
        this.damage = damage;
        this.file = new PackFile(store);
        int longest = FrameEncoder.bound(Format.METADATA_BYTES_MAX) + Format.TAG_BYTES;
        this.reader = new FrameReader(store, keys, READ_BYTES + longest, Format.METADATA_BYTES_MAX);
    }

    /// Checks a pack.
    ///
    /// @param domain in which its contents were identified
    void check(String hex, String domain) {
        String object = ObjectName.pack(hex);
        try (Aead aead = keys.packAead(hex)) {
            long length = file.bytes(object);
            PackTrailer trailer = file.trailer(object, length, aead);
            PackDirectory directory = file.directory(object, trailer, aead);
            int i = 0;
            int offset = 0;
            while (i < directory.frames()) {
                int run = 0;
                int count = 0;
                while (i + count < directory.frames()
                        && (run == 0 || run + directory.sealedBytes(i + count) <= READ_BYTES)) {
                    run += directory.sealedBytes(i + count);
                    count++;
                }
                reader.read(object, offset, run);
                check(hex, domain, directory, i, count, offset, aead);
                i += count;
                offset += run;
            }
            bytes += length;
        } catch (DrayException e) {
            damage.pack(hex, Findings.text(e));
        }
    }

    private void check(String hex, String domain, PackDirectory directory, int first, int count, int start, Aead aead) {
        String object = ObjectName.pack(hex);
        int offset = start;
        for (int i = first; i < first + count; i++) {
            FrameKind kind = directory.kind(i);
            int sealed = directory.sealedBytes(i);
            if (kind == null) {
                throw new IllegalStateException("a directory that was checked");
            }
            try {
                int plainBytes = kind == FrameKind.PAGE ? PageSize.BYTES : FrameReader.ANY_LENGTH;
                long contents = reader.open(
                        object, aead, kind, offset - start, offset, sealed, directory.compressed(i), plainBytes);
                mac(kind, domain).mac(contents, reader.plainBytes(), identity.address());
                if (!NativeMemory.isEqual(identity.address(), directory.identityAddress(i), PageMac.MAC_BYTES)) {
                    damage.frame(
                            hex,
                            offset,
                            "Object " + object + " is damaged: the frame at " + offset
                                    + " does not hold what was captured; the capturing host's memory may be bad");
                }
                frames++;
            } catch (CorruptException e) {
                damage.frame(hex, offset, Findings.text(e));
            }
            offset += sealed;
        }
    }

    private PageMac mac(FrameKind kind, String domain) {
        if (!domain.equals(macDomain)) {
            macs.values().forEach(PageMac::close);
            macs.clear();
            macDomain = domain;
        }
        PageMac known = macs.get(kind);
        if (known == null) {
            known = kind == FrameKind.PAGE ? keys.pageIdentity(domain) : keys.metadataIdentity(kind, domain);
            macs.put(kind, known);
        }
        return known;
    }

    long frames() {
        return frames;
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        file.close();
        reader.close();
        macs.values().forEach(PageMac::close);
        NativeMemory.unmap(identity);
    }
}
