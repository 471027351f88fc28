package dev.dray.seal;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/// Argon2id (RFC 9106, version 0x13) by Bouncy Castle: makes each guess at a passphrase cost memory and time.
final class Argon2id {
    private static final int UTF_8_BYTES_PER_CHAR_MAX = 3;

    private Argon2id() {}

    /// What one computation costs. Limits are checked before anything is allocated: the numbers come from a file
    /// that someone may have changed, to make us need a terabyte or a year.
    ///
    /// @param memoryKib [#MEMORY_KIB_MAX] at most, and 8 per lane at least
    /// @param passes 1 to [#PASSES_MAX]
    /// @param lanes 1 to [#LANES_MAX]
    record Cost(int memoryKib, int passes, int lanes) {
        /// 1 GiB: more than a host that takes snapshots should give for a passphrase.
        static final int MEMORY_KIB_MAX = 1 << 20;
        /// With 1 GiB, about a minute of one core.
        static final int PASSES_MAX = 16;
        /// Lanes only help who computes them in parallel.
        static final int LANES_MAX = 16;
        /// The second recommended option of RFC 9106, section 4: 64 MiB, which fits a capture's budget.
        static final Cost CHOSEN = new Cost(64 << 10, 3, 4);

        private static final int KIB_PER_LANE_MIN = 8;

        boolean isWithinLimits() {
            return lanes >= 1
                    && lanes <= LANES_MAX
                    && passes >= 1
                    && passes <= PASSES_MAX
                    && memoryKib >= KIB_PER_LANE_MIN * lanes
                    && memoryKib <= MEMORY_KIB_MAX;
        }
    }

    /// The 32 bytes of key for a passphrase in UTF-8, as typed (no Unicode normalization).
    static byte[] key(char[] passphrase, byte[] salt, byte[] associated, Cost cost) {
        ByteBuffer encoded = ByteBuffer.allocate(UTF_8_BYTES_PER_CHAR_MAX * passphrase.length);
        StandardCharsets.UTF_8
                .newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .encode(CharBuffer.wrap(passphrase), encoded, true);
        byte[] password = Arrays.copyOf(encoded.array(), encoded.position());
        try {
            return key(password, salt, new byte[0], associated, cost);
        } finally {
            Arrays.fill(password, (byte) 0);
            Arrays.fill(encoded.array(), (byte) 0);
        }
    }

    /// With all inputs of the RFC; Dray uses no secret, the RFC's test vector does.
    static byte[] key(byte[] password, byte[] salt, byte[] secret, byte[] associated, Cost cost) {
        if (!cost.isWithinLimits()) {
            throw new IllegalArgumentException("Argon2id outside its limits: " + cost);
        }
        Argon2BytesGenerator generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(cost.memoryKib)
                .withIterations(cost.passes)
                .withParallelism(cost.lanes)
                .withSalt(salt)
                .withSecret(secret)
                .withAdditional(associated)
                .build());
        byte[] out = new byte[SecretKey.KEY_BYTES];
        generator.generateBytes(password, out);
        return out;
    }
}
