package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import dev.dray.seal.Aead;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// The form of every object that is not a pack: a header, a part in clear, a sealed part.
///
/// | offset | size | field        | type  | meaning                                               |
/// |-------:|-----:|--------------|-------|-------------------------------------------------------|
/// |      0 |    8 | magic        | ascii | the kind of object, see [ObjectKind]                  |
/// |      8 |    2 | version      | u16   | of the format; a higher one is refused                |
/// |     10 |    2 | reserved     | u16   | zero                                                  |
/// |     12 |    4 | clear_bytes  | u32   | length of the clear part, at most 16384               |
/// |     16 |    4 | sealed_bytes | u32   | length of the sealed part with its tag, zero if none  |
/// |     20 |   16 | repository   | u8×16 | the repository's id                                   |
/// |     36 |   16 | salt         | u8×16 | the object's key is derived from it                   |
/// |     52 |    8 | reserved     | u64   | zero                                                  |
/// |     60 |    4 | checksum     | u32   | CRC-32C of bytes 0–59 and of the clear part           |
///
/// All fields little-endian. The sealed part is sealed under nonce zero; associated data are the header, the
/// clear part and the object's name in ASCII.
final class Envelope {
    static final int HEADER_BYTES = 64;

    private static final int VERSION = 8;
    private static final int RESERVED_1 = 10;
    private static final int CLEAR_BYTES = 12;
    private static final int SEALED_BYTES = 16;
    private static final int REPOSITORY = 20;
    private static final int SALT = 36;
    private static final int RESERVED_2 = 52;
    private static final int CHECKSUM = 60;

    private final ObjectKind kind;
    private final byte[] repository;
    private final byte[] salt;
    private final byte[] clear;

    /// As stored.
    private final byte[] sealed;

    private Envelope(ObjectKind kind, byte[] repository, byte[] salt, byte[] clear, byte[] sealed) {
        this.kind = kind;
        this.repository = repository;
        this.salt = salt;
        this.clear = clear;
        this.sealed = sealed;
    }

    /// The id of the repository it belongs to.
    byte[] repository() {
        return repository;
    }

    /// The clear part.
    byte[] clear() {
        return clear;
    }

    int sealedBytes() {
        return sealed.length;
    }

    /// The bytes of an object.
    ///
    /// @param plain what to seal; empty for none
    static byte[] write(
            ObjectKind kind, String name, byte[] repository, byte[] clear, byte[] plain, RepositoryKeys keys) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment content = arena.allocate(1 + plain.length + (long) name.length());
            MemorySegment.copy(plain, 0, content, Format.U8, 0, plain.length);
            byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
            MemorySegment.copy(ascii, 0, content, Format.U8, plain.length, ascii.length);
            byte[] salt = keys.freshId("salt", content.address(), plain.length + ascii.length, "");
            int sealedBytes = plain.length == 0 ? 0 : plain.length + Format.TAG_BYTES;
            byte[] header = header(kind, repository, salt, clear, sealedBytes);
            if (plain.length == 0) {
                return join(header, clear, new byte[0]);
            }
            MemorySegment sealed = arena.allocate(sealedBytes);
            try (Aead aead = keys.objectAead(salt)) {
                MemorySegment aad = aad(arena, header, clear, name);
                aead.seal(0, 0, aad, content.address(), plain.length, sealed.address());
            }
            content.fill((byte) 0);
            return join(header, clear, sealed.toArray(Format.U8));
        }
    }

    /// The bytes of an object that has a clear part only.
    static byte[] writeClear(ObjectKind kind, byte[] repository, byte[] clear) {
        return join(header(kind, repository, new byte[Format.ID_BYTES], clear, 0), clear, new byte[0]);
    }

    private static byte[] header(ObjectKind kind, byte[] repository, byte[] salt, byte[] clear, int sealedBytes) {
        byte[] bytes = new byte[HEADER_BYTES];
        MemorySegment header = MemorySegment.ofArray(bytes);
        header.set(Format.U64, 0, kind.magic);
        header.set(Format.U16, VERSION, (short) Format.VERSION);
        header.set(Format.U32, CLEAR_BYTES, clear.length);
        header.set(Format.U32, SEALED_BYTES, sealedBytes);
        MemorySegment.copy(repository, 0, header, Format.U8, REPOSITORY, Format.ID_BYTES);
        MemorySegment.copy(salt, 0, header, Format.U8, SALT, Format.ID_BYTES);
        header.set(Format.U32, CHECKSUM, checksum(bytes, clear));
        return bytes;
    }

    /// Reads an object's form; nothing is authenticated yet but the checksum of the clear parts.
    ///
    /// @param name the object's name, for messages
    /// @throws CorruptException if it is damaged
    /// @throws RefusedException if its version is newer
    static Envelope read(ObjectKind kind, String name, byte[] bytes) throws CorruptException, RefusedException {
        if (bytes.length < HEADER_BYTES) {
            throw damaged(name, "it has " + bytes.length + " bytes and a header needs " + HEADER_BYTES);
        }
        MemorySegment header = MemorySegment.ofArray(bytes);
        if (header.get(Format.U64, 0) != kind.magic) {
            throw damaged(name, "it does not begin with " + kind.text());
        }
        int clearBytes = header.get(Format.U32, CLEAR_BYTES);
        int sealedBytes = header.get(Format.U32, SEALED_BYTES);
        if (clearBytes < 0 || clearBytes > Format.CLEAR_BYTES_MAX) {
            throw damaged(name, "its clear part has " + Integer.toUnsignedString(clearBytes) + " bytes");
        }
        if (sealedBytes < 0 || HEADER_BYTES + (long) clearBytes + sealedBytes != bytes.length) {
            throw damaged(
                    name,
                    "it has " + bytes.length + " bytes and its header says "
                            + (HEADER_BYTES + (long) clearBytes + Integer.toUnsignedLong(sealedBytes)));
        }
        byte[] clear = Arrays.copyOfRange(bytes, HEADER_BYTES, HEADER_BYTES + clearBytes);
        int expected = checksum(bytes, clear);
        int actual = header.get(Format.U32, CHECKSUM);
        if (actual != expected) {
            throw damaged(
                    name,
                    "its checksum is 0x" + Integer.toHexString(actual) + " and should be 0x"
                            + Integer.toHexString(expected));
        }
        int version = Short.toUnsignedInt(header.get(Format.U16, VERSION));
        checkVersion(name, version);
        if (version == 0 || header.get(Format.U16, RESERVED_1) != 0 || header.get(Format.U64, RESERVED_2) != 0) {
            throw damaged(name, "its version is zero or a reserved field is not");
        }
        byte[] repository = Arrays.copyOfRange(bytes, REPOSITORY, REPOSITORY + Format.ID_BYTES);
        byte[] salt = Arrays.copyOfRange(bytes, SALT, SALT + Format.ID_BYTES);
        byte[] sealed = Arrays.copyOfRange(bytes, HEADER_BYTES + clearBytes, bytes.length);
        return new Envelope(kind, repository, salt, clear, sealed);
    }

    /// Refuses what a newer Dray wrote. Asked after the checksum, so that a damaged number is not taken for a
    /// new one; header and checksum keep their places in every version.
    static void checkVersion(String name, int version) throws RefusedException {
        if (version > Format.VERSION) {
            throw new RefusedException(
                    "Object " + name + " is of format version " + version + " and this Dray reads up to "
                            + Format.VERSION,
                    "Use a newer Dray");
        }
    }

    /// Opens the sealed part.
    ///
    /// @param name the name it was read from, which must be the name it was written to
    byte[] open(String name, byte[] ofRepository, RepositoryKeys keys) throws DrayException {
        if (!Arrays.equals(repository, ofRepository)) {
            throw damaged(name, "it belongs to repository " + ObjectName.hex(repository));
        }
        if (sealed.length <= Format.TAG_BYTES) {
            throw damaged(name, "its sealed part has " + sealed.length + " bytes");
        }
        byte[] header = header(kind, repository, salt, clear, sealed.length);
        try (Arena arena = Arena.ofConfined();
                Aead aead = keys.objectAead(salt)) {
            MemorySegment work = arena.allocate(sealed.length);
            MemorySegment.copy(sealed, 0, work, Format.U8, 0, sealed.length);
            if (!aead.open(0, 0, aad(arena, header, clear, name), work.address(), sealed.length, work.address())) {
                throw damaged(name, "its sealed part is not authentic");
            }
            return work.asSlice(0, sealed.length - (long) Format.TAG_BYTES).toArray(Format.U8);
        }
    }

    private static MemorySegment aad(Arena arena, byte[] header, byte[] clear, String name) {
        byte[] all = join(header, clear, name.getBytes(StandardCharsets.US_ASCII));
        MemorySegment aad = arena.allocate(all.length);
        MemorySegment.copy(all, 0, aad, Format.U8, 0, all.length);
        return aad;
    }

    private static byte[] join(byte[] a, byte[] b, byte[] c) {
        byte[] all = Arrays.copyOf(a, a.length + b.length + c.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        System.arraycopy(c, 0, all, a.length + b.length, c.length);
        return all;
    }

    private static int checksum(byte[] header, byte[] clear) {
        CRC32C crc = new CRC32C();
        crc.update(header, 0, CHECKSUM);
        crc.update(clear, 0, clear.length);
        return (int) crc.getValue();
    }

    static CorruptException damaged(String name, String why) {
        return new CorruptException(
                "Object " + name + " is damaged: " + why,
                "Run dray verify to see what depends on it, and restore the object from a copy of the repository");
    }
}
