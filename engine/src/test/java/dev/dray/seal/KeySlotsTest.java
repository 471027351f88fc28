package dev.dray.seal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeySlotsTest {
    private static final byte[] ID = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    /// Quick, for tests that are not about the cost.
    private static final Argon2id.Cost CHEAP = new Argon2id.Cost(64, 1, 2);

    private static final Credential.Key KEY = new Credential.Key(Randomness.bytes(32));
    private static final Credential.Passphrase PASSPHRASE = passphrase("correct horse, naïve 🐎");

    private static Credential.Passphrase passphrase(String text) {
        return new Credential.Passphrase(text.toCharArray());
    }

    /// RFC 9106, section 5.3.
    @Test
    void givesThePublishedArgon2idVector() {
        byte[] password = new byte[32];
        Arrays.fill(password, (byte) 1);
        byte[] salt = new byte[16];
        Arrays.fill(salt, (byte) 2);
        byte[] secret = new byte[8];
        Arrays.fill(secret, (byte) 3);
        byte[] associated = new byte[12];
        Arrays.fill(associated, (byte) 4);
        assertThat(HexFormat.of()
                        .formatHex(Argon2id.key(password, salt, secret, associated, new Argon2id.Cost(32, 3, 4))))
                .isEqualTo("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    }

    @Test
    void opensWithTheKeyThatLockedIt() throws Exception {
        try (SecretKey master = SecretKey.random()) {
            byte[] slot = KeySlots.wrap(master, ID, KEY);
            assertThat(slot).hasSize(88);
            assertThat(KeySlots.type(slot)).isEqualTo(KeySlots.TYPE_KEY);
            try (SecretKey opened = KeySlots.unwrap(slot, ID, KEY)) {
                assertThat(opened.heapCopy()).isEqualTo(master.heapCopy());
            }
            assertThat(KeySlots.wrap(master, ID, KEY)).as("salted").isNotEqualTo(slot);
        }
    }

    /// With the cost that users get.
    @Test
    void opensWithThePassphraseThatLockedIt() throws Exception {
        try (SecretKey master = SecretKey.random()) {
            byte[] slot = KeySlots.wrap(master, ID, PASSPHRASE);
            assertThat(KeySlots.type(slot)).isEqualTo(KeySlots.TYPE_PASSPHRASE);
            ByteBuffer fields = ByteBuffer.wrap(slot).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(new int[] {fields.getInt(24), fields.getInt(28), fields.getInt(32)})
                    .containsExactly(64 << 10, 3, 4);
            try (SecretKey opened = KeySlots.unwrap(slot, ID, PASSPHRASE)) {
                assertThat(opened.heapCopy()).isEqualTo(master.heapCopy());
            }
        }
    }

    /// Slots made from the documented layout by another implementation (Python's `cryptography` and `hmac`): for
    /// the key 00 01 … 1f and for a passphrase; in both lies the master key 64 65 … 83, under the salt c8 c9 … d7.
    @ParameterizedTest
    @CsvSource({
        "key, 444b455901010000c8c9cacbcccdcecfd0d1d2d3d4d5d6d7000000000000000000000000103bf3d86294d8ef"
                + "11a47600d31dbd9f67ae6f22dc0d0959881af04b60851135bee70e2cf796fb289ccc7bae4739615bfa187385",
        "naïve 🐎, 444b455901020000c8c9cacbcccdcecfd0d1d2d3d4d5d6d7400000000200000002000000d0dc526f8496"
                + "771aebb27a7ea531f6ea724a6c19f5492d510f288ea84b94ba4506a1a2474628a4d00769a6581cdc7e9996ff0702"
    })
    void opensSlotsThatAnotherImplementationMade(String secret, String hex) throws Exception {
        byte[] slot = HexFormat.of().parseHex(hex);
        Credential credential = secret.equals("key") ? new Credential.Key(sequence(0)) : passphrase(secret);
        try (SecretKey master = KeySlots.unwrap(slot, ID, credential)) {
            assertThat(master.heapCopy()).isEqualTo(sequence(100));
        }
    }

    private static byte[] sequence(int first) {
        byte[] bytes = new byte[32];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (first + i);
        }
        return bytes;
    }

    @Test
    void tellsAWrongKeyFromDamage() throws Exception {
        try (SecretKey master = SecretKey.random()) {
            byte[] byKey = KeySlots.wrap(master, ID, KEY);
            byte[] byPassphrase = KeySlots.wrap(master, ID, PASSPHRASE, CHEAP);
            byte[] otherId = "0123456789abcdeF".getBytes(StandardCharsets.US_ASCII);
            wrong(byKey, ID, new Credential.Key(new byte[32]), "The key is not the one of this repository");
            wrong(byKey, otherId, KEY, "The key is not the one of this repository");
            wrong(byPassphrase, ID, passphrase("correct horse"), "The passphrase is not the one of this repository");
            wrong(byPassphrase, otherId, PASSPHRASE, "The passphrase is not the one of this repository");
            wrong(byKey, ID, PASSPHRASE, "This key slot is opened by a key, not by a passphrase");
            wrong(byPassphrase, ID, KEY, "This key slot is opened by a passphrase, not by a key");
            wrong(byPassphrase, ID, passphrase(""), "The passphrase has 0 characters, outside 1 to 1024");
            assertThatThrownBy(() -> KeySlots.wrap(master, ID, passphrase("x".repeat(1025))))
                    .isInstanceOf(KeyException.class);
        }
    }

    private static void wrong(byte[] slot, byte[] id, Credential credential, String message) {
        assertThatThrownBy(() -> KeySlots.unwrap(slot, id, credential))
                .isInstanceOf(KeyException.class)
                .hasMessage(message)
                .satisfies(e -> assertThat(((DrayException) e).whatToDo()).isNotEmpty());
    }

    @Test
    void findsAnyFlippedBitAndAnyCut() throws Exception {
        try (SecretKey master = SecretKey.random()) {
            byte[] slot = KeySlots.wrap(master, ID, KEY);
            for (int bit = 0; bit < slot.length * 8; bit++) {
                byte[] flipped = slot.clone();
                flipped[bit >> 3] ^= (byte) (1 << (bit & 7));
                damaged(flipped);
            }
            for (int bytes = 0; bytes < slot.length; bytes++) {
                damaged(Arrays.copyOf(slot, bytes));
            }
            damaged(Arrays.copyOf(slot, slot.length + 1));
            damaged(new byte[1 << 20]);
        }
    }

    /// Whoever can write can make the checksum fit: then only the seal holds.
    @Test
    void refusesWhatWasForgedWithAChecksum() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (SecretKey master = SecretKey.random()) {
            byte[] slot = KeySlots.wrap(master, ID, KEY);
            for (int round = 0; round < 2000; round++) {
                byte[] forged = slot.clone();
                forged[random.nextInt(84)] ^= (byte) (1 + random.nextInt(255));
                assertThatThrownBy(() -> KeySlots.unwrap(checksummed(forged), ID, KEY))
                        .as("seed %d, round %d", seed, round)
                        .isInstanceOfAny(KeyException.class, CorruptException.class);
            }
        }
    }

    /// Before anything is allocated: one of these would need 4 TiB.
    @ParameterizedTest
    @CsvSource({
        "1048577, 3, 4",
        "-1, 3, 4",
        "2147483647, 3, 4",
        "65536, 17, 4",
        "65536, 0, 4",
        "65536, -5, 4",
        "65536, 3, 17",
        "65536, 3, 0",
        "31, 3, 4",
        "0, 0, 0"
    })
    void refusesCostsOutsideTheLimits(int memoryKib, int passes, int lanes) throws Exception {
        try (SecretKey master = SecretKey.random()) {
            byte[] slot = KeySlots.wrap(master, ID, PASSPHRASE, CHEAP);
            ByteBuffer.wrap(slot)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(24, memoryKib)
                    .putInt(28, passes)
                    .putInt(32, lanes);
            assertThatThrownBy(() -> KeySlots.unwrap(checksummed(slot), ID, PASSPHRASE))
                    .isInstanceOf(CorruptException.class)
                    .hasMessageContaining("outside the limits of 1048576, 16 and 16");
        }
    }

    @Test
    void namesATypeAndAVersionItDoesNotKnow() throws Exception {
        byte[] later = new byte[1200];
        ByteBuffer.wrap(later)
                .put("DKEY".getBytes(StandardCharsets.US_ASCII))
                .put((byte) 1)
                .put((byte) 3);
        assertThat(KeySlots.type(checksummed(later))).isEqualTo(3);
        wrong(later, ID, KEY, "This key slot is of type 3, which this Dray cannot open");
        later[4] = 2;
        assertThatThrownBy(() -> KeySlots.type(checksummed(later)))
                .isInstanceOf(CorruptException.class)
                .hasMessage("A key slot has version 2, and this Dray reads version 1");
    }

    @Test
    void showsNoSecretInItsWords() {
        assertThat(KEY).hasToString("Key[not shown]");
        assertThat(PASSPHRASE).hasToString("Passphrase[not shown]");
        assertThatThrownBy(() -> new Credential.Key(new byte[16])).isInstanceOf(IllegalArgumentException.class);
    }

    private static void damaged(byte[] slot) {
        assertThatThrownBy(() -> KeySlots.unwrap(slot, ID, KEY)).isInstanceOf(CorruptException.class);
    }

    private static byte[] checksummed(byte[] slot) {
        CRC32C crc = new CRC32C();
        crc.update(slot, 0, slot.length - 4);
        ByteBuffer.wrap(slot).order(ByteOrder.LITTLE_ENDIAN).putInt(slot.length - 4, (int) crc.getValue());
        return slot;
    }
}
