package dev.dray.snapshot;

import dev.dray.seal.Aead;
import dev.dray.seal.Crypto;
import dev.dray.seal.PageMac;
import dev.dray.seal.Randomness;
import dev.dray.seal.SecretKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// All keys of a repository, derived from its master key by labels, and the random names that depend on
/// content.
///
/// A name must never come twice with other content, or a key and a nonce would. Randomness alone does not
/// promise that where a machine is cloned with the state of its random generator. So every name and salt is a
/// pseudo-random function of random bytes *and* of what is to be sealed under it: two clones give the same
/// name only to the same content, and then the same bytes.
final class RepositoryKeys implements AutoCloseable {
    private static final byte[] NO_CONTEXT = {};

    private final SecretKey master;
    private final Crypto crypto;
    private final SecretKey fingerprint;

    /// @param master owned from now on
    RepositoryKeys(SecretKey master, Crypto crypto) {
        this.master = master;
        this.crypto = crypto;
        this.fingerprint = master.derive("fingerprint", NO_CONTEXT);
    }

    Crypto crypto() {
        return crypto;
    }

    /// The key of one pack.
    SecretKey pack(String packHex) {
        return master.derive("pack", ObjectName.id(packHex));
    }

    Aead packAead(String packHex) {
        try (SecretKey key = pack(packHex)) {
            return crypto.aead(key);
        }
    }

    Aead objectAead(byte[] salt) {
        try (SecretKey key = master.derive("object", salt)) {
            return crypto.aead(key);
        }
    }

    /// Identifies page contents within a dedup domain.
    ///
    /// @param domain the guest's name, or empty for the whole repository
    PageMac pageIdentity(String domain) {
        try (SecretKey key = master.derive("identity", domain.getBytes(StandardCharsets.UTF_8))) {
            return crypto.pageMac(key);
        }
    }

    /// Identifies frames of metadata of one kind within a dedup domain.
    PageMac metadataIdentity(FrameKind kind, String domain) {
        byte[] name = domain.getBytes(StandardCharsets.UTF_8);
        byte[] context = new byte[1 + name.length];
        context[0] = (byte) kind.number;
        System.arraycopy(name, 0, context, 1, name.length);
        try (SecretKey key = master.derive("identity-metadata", context)) {
            return crypto.pageMac(key);
        }
    }

    /// A new name or salt for content that is about to be sealed.
    ///
    /// @param label what it is for
    /// @param content address of all that depends on it
    /// @param settings what else decides the bytes that will be written
    byte[] freshId(String label, long content, int bytes, String settings) {
        return id(label, Randomness.bytes(Format.ID_BYTES), content, bytes, settings);
    }

    byte[] freshId(String label, byte[] content) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(content.length);
            MemorySegment.copy(content, 0, memory, Format.U8, 0, content.length);
            return freshId(label, memory.address(), content.length, "");
        }
    }

    /// The id that these random bytes give; apart from [#freshId] for tests.
    byte[] id(String label, byte[] random, long content, int bytes, String settings) {
        byte[] tail = settings.getBytes(StandardCharsets.UTF_8);
        byte[] context = new byte[random.length + PageMac.MAC_BYTES + tail.length];
        System.arraycopy(random, 0, context, 0, random.length);
        try (Arena arena = Arena.ofConfined();
                PageMac mac = crypto.pageMac(fingerprint)) {
            MemorySegment into = arena.allocate(PageMac.MAC_BYTES);
            mac.mac(content, bytes, into.address());
            MemorySegment.copy(into, Format.U8, 0, context, random.length, PageMac.MAC_BYTES);
        }
        System.arraycopy(tail, 0, context, random.length + PageMac.MAC_BYTES, tail.length);
        try (SecretKey id = master.derive(label, context)) {
            return Arrays.copyOf(id.bytes().toArray(Format.U8), Format.ID_BYTES);
        }
    }

    @Override
    public void close() {
        fingerprint.close();
        master.close();
    }
}
