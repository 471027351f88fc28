package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SecretKeyTest {
    private static final byte[] NOTHING = {};

    /// RFC 5869, appendix A, test cases 1 to 3.
    @Test
    void givesThePublishedVectors() {
        assertThat(hex(SecretKey.hkdf(
                        hex("0b".repeat(22)), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), 42)))
                .isEqualTo("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        assertThat(hex(SecretKey.hkdf(sequence(0x00, 80), sequence(0x60, 80), sequence(0xb0, 80), 82)))
                .isEqualTo("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                        + "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                        + "cc30c58179ec3e87c14c01d5c1f3434f1d87");
        assertThat(hex(SecretKey.hkdf(hex("0b".repeat(22)), NOTHING, NOTHING, 42)))
                .isEqualTo("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    }

    /// A stored repository depends on it: label's length, label, context.
    @Test
    void derivesAsDocumented() {
        byte[] key = sequence(1, 32);
        byte[] info = ("\4pack" + "name").getBytes(StandardCharsets.US_ASCII);
        try (SecretKey master = SecretKey.of(key);
                SecretKey derived = master.derive("pack", "name".getBytes(StandardCharsets.US_ASCII))) {
            assertThat(hex(derived.heapCopy())).isEqualTo(hex(SecretKey.hkdf(key, NOTHING, info, 32)));
            assertThat(hex(derived.heapCopy()))
                    .isEqualTo("234e9d03ed61549115f169efb987df9769120fe0c91c54650218c91b157ec89b");
        }
    }

    @Test
    void derivesAnotherKeyForEachLabelAndContext() {
        Set<String> keys = new HashSet<>();
        try (SecretKey one = SecretKey.random();
                SecretKey other = SecretKey.random()) {
            keys.add(hex(one.heapCopy()));
            keys.add(hex(other.heapCopy()));
            for (SecretKey master : List.of(one, other)) {
                for (String[] purpose : new String[][] {{"a", ""}, {"b", ""}, {"a", "b"}, {"ab", ""}, {"ab", "c"}}) {
                    byte[] context = purpose[1].getBytes(StandardCharsets.US_ASCII);
                    try (SecretKey derived = master.derive(purpose[0], context)) {
                        keys.add(hex(derived.heapCopy()));
                    }
                }
            }
        }
        assertThat(keys).hasSize(2 + 2 * 5);
    }

    @Test
    void copiesItsBytesAndWipesThem() {
        byte[] bytes = sequence(1, 32);
        SecretKey key = SecretKey.of(bytes);
        var memory = key.bytes();
        bytes[0] = 99;
        assertThat(memory.get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
        assertThat(memory.isReadOnly()).isTrue();
        assertThat(key).hasToString("SecretKey[not shown]");
        key.close();
        key.close();
        assertThat(memory.toArray(JAVA_BYTE)).containsOnly(0);
        assertThatThrownBy(key::bytes).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> key.derive("a", NOTHING)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void refusesOtherLengths() {
        assertThatThrownBy(() -> SecretKey.of(new byte[31])).isInstanceOf(IllegalArgumentException.class);
        try (SecretKey key = SecretKey.random()) {
            assertThatThrownBy(() -> key.derive("", NOTHING)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> key.derive("x".repeat(65), NOTHING)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> key.derive("x", new byte[1025])).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void drawsRandomBytes() {
        assertThat(Randomness.bytes(0)).isEmpty();
        assertThat(Randomness.bytes(16)).hasSize(16).isNotEqualTo(Randomness.bytes(16));
    }

    private static byte[] sequence(int first, int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (first + i);
        }
        return bytes;
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
