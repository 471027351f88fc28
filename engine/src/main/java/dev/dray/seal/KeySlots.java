package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.CorruptException;
import dev.dray.error.KeyException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/// Key slots: the master key of a repository, locked with one credential. A repository has one or more, and any
/// one opens it. Numbers are little-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `DKEY` |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | type: 1 key, 2 passphrase, 3 reserved for public keys |
/// | 6 | 2 | zero |
/// | 8 | 16 | salt, random |
/// | 24 | 4 | Argon2id memory in KiB; 0 for type 1 |
/// | 28 | 4 | Argon2id passes; 0 for type 1 |
/// | 32 | 4 | Argon2id lanes; 0 for type 1 |
/// | 36 | 48 | the master key, 32 bytes, sealed: AES-256-GCM, nonce 0, with its tag |
/// | 84 | 4 | CRC32C of bytes 0 to 83 |
///
/// The master key is sealed under HKDF(K, `key-slot`, repository id ++ salt), where K is the 32-byte key of the
/// credential, or Argon2id(passphrase, salt, associated data = repository id). The salt makes that key unique,
/// hence nonce 0. Bytes 0 to 35 and the repository id are authenticated with it.
///
/// The checksum tells damage from a wrong key, and proves nothing: whoever can write can make it fit. Slots of
/// other types may have other lengths; all start with bytes 0 to 7 and end with the checksum.
public final class KeySlots {
    public static final int TYPE_KEY = 1;
    public static final int TYPE_PASSPHRASE = 2;
    public static final int REPOSITORY_ID_BYTES = 16;

    private static final int MAGIC = 0x59454b44; // "DKEY"
    private static final int VERSION = 1;
    private static final int SALT_BYTES = 16;
    private static final int COST_OFFSET = 24;
    private static final int SEALED_OFFSET = 36;
    private static final int SEALED_BYTES = SecretKey.KEY_BYTES + Aead.TAG_BYTES;
    private static final int CHECKSUM_OFFSET = SEALED_OFFSET + SEALED_BYTES;
    private static final int SLOT_BYTES = CHECKSUM_OFFSET + Integer.BYTES;
    private static final int HEAD_BYTES = 8;
    /// A slot of a later type may hold a post-quantum ciphertext; no known one needs more.
    private static final int ANY_SLOT_BYTES_MAX = 16 << 10;

    private static final Argon2id.Cost NO_COST = new Argon2id.Cost(0, 0, 0);
    private static final int PASSPHRASE_CHARS_MAX = 1024;
    private static final String RESTORE_SLOT = "Use another of the repository's keys, or a copy of its keys/ objects";

    private KeySlots() {}

    /// The bytes of a new slot in which the credential locks the master key.
    ///
    /// @param repositoryId 16 bytes
    /// @throws KeyException if the passphrase is empty or too long
    public static byte[] wrap(SecretKey master, byte[] repositoryId, Credential credential) throws KeyException {
        return wrap(master, repositoryId, credential, Argon2id.Cost.CHOSEN);
    }

    static byte[] wrap(SecretKey master, byte[] repositoryId, Credential credential, Argon2id.Cost passphraseCost)
            throws KeyException {
        checkId(repositoryId);
        ByteBuffer slot = ByteBuffer.allocate(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        Argon2id.Cost cost = credential instanceof Credential.Key ? NO_COST : passphraseCost;
        slot.putInt(MAGIC)
                .put((byte) VERSION)
                .put((byte) (credential instanceof Credential.Key ? TYPE_KEY : TYPE_PASSPHRASE))
                .putShort((short) 0)
                .put(Randomness.bytes(SALT_BYTES))
                .putInt(cost.memoryKib())
                .putInt(cost.passes())
                .putInt(cost.lanes());
        try (SecretKey lock = lock(slot.array(), repositoryId, credential, cost);
                Aead aead = Crypto.best().aead(lock);
                Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(SEALED_BYTES);
            aead.seal(
                    0,
                    0,
                    associated(arena, slot.array(), repositoryId),
                    master.bytes().address(),
                    SecretKey.KEY_BYTES,
                    text.address());
            slot.put(text.toArray(JAVA_BYTE));
        }
        slot.putInt(checksum(slot.array(), CHECKSUM_OFFSET));
        return slot.array();
    }

    /// The master key.
    ///
    /// @throws KeyException if the credential is not the slot's
    /// @throws CorruptException if the slot is damaged
    public static SecretKey unwrap(byte[] slot, byte[] repositoryId, Credential credential)
            throws KeyException, CorruptException {
        checkId(repositoryId);
        checkKind(type(slot), credential);
        Argon2id.Cost cost = cost(slot);
        try (SecretKey lock = lock(slot, repositoryId, credential, cost);
                Aead aead = Crypto.best().aead(lock);
                Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(SEALED_BYTES);
            MemorySegment.copy(slot, SEALED_OFFSET, text, JAVA_BYTE, 0, SEALED_BYTES);
            MemorySegment associated = associated(arena, slot, repositoryId);
            if (!aead.open(0, 0, associated, text.address(), SEALED_BYTES, text.address())) {
                throw new KeyException(
                        credential instanceof Credential.Key
                                ? "The key is not the one of this repository"
                                : "The passphrase is not the one of this repository",
                        "Give the key that the repository was made with, or one that was added to it");
            }
            byte[] master = text.asSlice(0, SecretKey.KEY_BYTES).toArray(JAVA_BYTE);
            try {
                return SecretKey.of(master);
            } finally {
                text.fill((byte) 0);
                Arrays.fill(master, (byte) 0);
            }
        }
    }

    /// [#TYPE_KEY], [#TYPE_PASSPHRASE], or a number of a later version.
    public static int type(byte[] slot) throws CorruptException {
        if (slot.length < HEAD_BYTES + Integer.BYTES || slot.length > ANY_SLOT_BYTES_MAX) {
            throw damaged("it has " + slot.length + " bytes, outside " + (HEAD_BYTES + Integer.BYTES) + " to "
                    + ANY_SLOT_BYTES_MAX);
        }
        ByteBuffer fields = ByteBuffer.wrap(slot).order(ByteOrder.LITTLE_ENDIAN);
        int checksumOffset = slot.length - Integer.BYTES;
        if (fields.getInt(0) != MAGIC) {
            throw damaged("it does not start with DKEY");
        }
        if (fields.getInt(checksumOffset) != checksum(slot, checksumOffset)) {
            throw damaged("its checksum does not fit its " + slot.length + " bytes");
        }
        int version = Byte.toUnsignedInt(slot[4]);
        if (version != VERSION) {
            throw new CorruptException(
                    "A key slot has version " + version + ", and this Dray reads version " + VERSION,
                    "Use the version of Dray that made it, or another of the repository's keys");
        }
        int type = Byte.toUnsignedInt(slot[5]);
        if ((type == TYPE_KEY || type == TYPE_PASSPHRASE) && slot.length != SLOT_BYTES) {
            throw damaged("it has " + slot.length + " bytes, not " + SLOT_BYTES);
        }
        return type;
    }

    private static void checkKind(int type, Credential credential) throws KeyException {
        switch (type) {
            case TYPE_KEY -> {
                if (!(credential instanceof Credential.Key)) {
                    throw new KeyException(
                            "This key slot is opened by a key, not by a passphrase", "Give the key file");
                }
            }
            case TYPE_PASSPHRASE -> {
                if (!(credential instanceof Credential.Passphrase)) {
                    throw new KeyException(
                            "This key slot is opened by a passphrase, not by a key", "Give the passphrase");
                }
            }
            default ->
                throw new KeyException(
                        "This key slot is of type " + type + ", which this Dray cannot open",
                        "Use another of the repository's keys, or a later Dray");
        }
    }

    private static Argon2id.Cost cost(byte[] slot) throws CorruptException {
        ByteBuffer fields = ByteBuffer.wrap(slot).order(ByteOrder.LITTLE_ENDIAN);
        Argon2id.Cost cost = new Argon2id.Cost(
                fields.getInt(COST_OFFSET),
                fields.getInt(COST_OFFSET + Integer.BYTES),
                fields.getInt(COST_OFFSET + 2 * Integer.BYTES));
        boolean sound = slot[5] == TYPE_KEY ? cost.equals(NO_COST) : cost.isWithinLimits();
        if (!sound) {
            throw damaged("it asks for " + Integer.toUnsignedString(cost.memoryKib()) + " KiB, "
                    + Integer.toUnsignedString(cost.passes()) + " passes and "
                    + Integer.toUnsignedString(cost.lanes()) + " lanes, outside the limits of "
                    + Argon2id.Cost.MEMORY_KIB_MAX + ", " + Argon2id.Cost.PASSES_MAX + " and "
                    + Argon2id.Cost.LANES_MAX);
        }
        return cost;
    }

    /// The key that seals the master key in this slot.
    private static SecretKey lock(byte[] slot, byte[] repositoryId, Credential credential, Argon2id.Cost cost)
            throws KeyException {
        byte[] salt = Arrays.copyOfRange(slot, HEAD_BYTES, HEAD_BYTES + SALT_BYTES);
        byte[] context = ByteBuffer.allocate(REPOSITORY_ID_BYTES + SALT_BYTES)
                .put(repositoryId)
                .put(salt)
                .array();
        byte[] key = switch (credential) {
            case Credential.Key given -> given.key32().clone();
            case Credential.Passphrase given -> stretched(given, salt, repositoryId, cost);
        };
        try (SecretKey base = SecretKey.of(key)) {
            return base.derive("key-slot", context);
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    private static byte[] stretched(Credential.Passphrase given, byte[] salt, byte[] repositoryId, Argon2id.Cost cost)
            throws KeyException {
        int chars = given.text().length;
        if (chars == 0 || chars > PASSPHRASE_CHARS_MAX) {
            throw new KeyException(
                    "The passphrase has " + chars + " characters, outside 1 to " + PASSPHRASE_CHARS_MAX,
                    "Choose one within these limits; a few random words are good");
        }
        long heapBytes = Runtime.getRuntime().maxMemory();
        if (((long) cost.memoryKib() << 10) > heapBytes / 10 * 9) {
            throw new KeyException(
                    "Checking the passphrase needs " + (cost.memoryKib() >> 10) + " MiB of memory, and Java may use "
                            + (heapBytes >> 20) + " MiB",
                    "Raise the limit of the Java heap (-Xmx)");
        }
        return Argon2id.key(given.text(), salt, repositoryId, cost);
    }

    private static MemorySegment associated(Arena arena, byte[] slot, byte[] repositoryId) {
        MemorySegment out = arena.allocate(SEALED_OFFSET + REPOSITORY_ID_BYTES);
        MemorySegment.copy(slot, 0, out, JAVA_BYTE, 0, SEALED_OFFSET);
        MemorySegment.copy(repositoryId, 0, out, JAVA_BYTE, SEALED_OFFSET, REPOSITORY_ID_BYTES);
        return out;
    }

    private static int checksum(byte[] bytes, int count) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, count);
        return (int) crc.getValue();
    }

    private static void checkId(byte[] repositoryId) {
        if (repositoryId.length != REPOSITORY_ID_BYTES) {
            throw new IllegalArgumentException("A repository id has " + REPOSITORY_ID_BYTES + " bytes, not "
                    + HexFormat.of().formatHex(repositoryId));
        }
    }

    private static CorruptException damaged(String how) {
        return new CorruptException("A key slot is damaged: " + how, RESTORE_SLOT);
    }
}
