package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

class CryptoTest {
    /// Key, nonce, associated data, plain text, sealed text with tag.
    record Vector(String name, String key, String nonce, String aad, String plain, String sealed) {
        int nonceHigh() {
            return HexFormat.fromHexDigits(nonce, 0, 8);
        }

        long nonceLow() {
            return HexFormat.fromHexDigitsToLong(nonce, 8, 24);
        }
    }

    /// The GCM specification's cases 13 to 16 (McGrew and Viega), and the first of each shape in NIST's
    /// gcmEncryptExtIV256.rsp (CAVP) with 96-bit nonces and 128-bit tags.
    static final Vector[] VECTORS = {
        new Vector("case 13", "00".repeat(32), "00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        new Vector(
                "case 14",
                "00".repeat(32),
                "00".repeat(12),
                "",
                "00".repeat(16),
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        new Vector(
                "case 15",
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "cafebabefacedbaddecaf888",
                "",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
                        + "b094dac5d93471bdec1a502270e3cc6c"),
        new Vector(
                "case 16",
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "cafebabefacedbaddecaf888",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                        + "76fc6ece0f4e1768cddf8853bb2d551b"),
        new Vector(
                "CAVP, nothing",
                "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
                "516c33929df5a3284ff463d7",
                "",
                "",
                "bdc1ac884d332457a1d2664f168c76f0"),
        new Vector(
                "CAVP, text",
                "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
                "0d18e06c7c725ac9e362e1ce",
                "",
                "2db5168e932556f8089a0622981d017d",
                "fa4362189661d163fcd6a56d8bf0405ad636ac1bbedd5cc3ee727dc2ab4a9489"),
        new Vector(
                "CAVP, data",
                "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223",
                "d79cf22d504cc793c3fb6c8a",
                "b96baa8c1c75a671bfb2d08d06be5f36",
                "",
                "3e5d486aa2e30b22e040b85723a06e76"),
        new Vector(
                "CAVP, both",
                "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
                "ac93a1a6145299bde902f21a",
                "1e0889016f67601c8ebea4943bc23ad6",
                "2d71bcfa914e4ac045b2aa60955fad24",
                "8995ae2e6df3dbf96fac7b7137bae67feca5aa77d51d4a0a14d9c51e1da474ab"),
    };

    static Stream<Crypto> providers() {
        return Stream.concat(Stream.of(Crypto.jdk()), Crypto.libcrypto().stream());
    }

    @Test
    void prefersLibcryptoWhereTheHostHasIt() {
        assertThat(Crypto.best()).isSameAs(Crypto.libcrypto().orElse(Crypto.jdk()));
        assertThat(Crypto.jdk().name()).isEqualTo("jdk");
    }

    @ParameterizedTest
    @FieldSource("VECTORS")
    void givesThePublishedVectors(Vector vector) {
        providers().forEach(crypto -> {
            try (Arena arena = Arena.ofConfined();
                    SecretKey key = SecretKey.of(hex(vector.key));
                    Aead aead = crypto.aead(key)) {
                MemorySegment aad = arena.allocateFrom(JAVA_BYTE, hex(vector.aad));
                MemorySegment plain = arena.allocateFrom(JAVA_BYTE, hex(vector.plain));
                int bytes = (int) plain.byteSize();
                MemorySegment sealed = arena.allocate(bytes + Aead.TAG_BYTES);
                aead.seal(vector.nonceHigh(), vector.nonceLow(), aad, plain.address(), bytes, sealed.address());
                assertThat(hex(sealed)).as(crypto.name()).isEqualTo(vector.sealed);

                MemorySegment opened = arena.allocate(Math.max(1, bytes));
                int sealedBytes = bytes + Aead.TAG_BYTES;
                assertThat(aead.open(
                                vector.nonceHigh(),
                                vector.nonceLow(),
                                aad,
                                sealed.address(),
                                sealedBytes,
                                opened.address()))
                        .isTrue();
                assertThat(hex(opened.asSlice(0, bytes))).isEqualTo(vector.plain);
            }
        });
    }

    /// GMAC is GCM without text: the vector's tag, under the nonce 0 that [PageMac] fixes.
    @Test
    void macsAPageAsGcmWithoutText() {
        providers().forEach(crypto -> {
            try (Arena arena = Arena.ofConfined();
                    SecretKey key = SecretKey.random();
                    Aead aead = Crypto.jdk().aead(key);
                    PageMac mac = crypto.pageMac(key)) {
                MemorySegment page = randomBytes(arena, new Random(7), 4096);
                MemorySegment tag = arena.allocate(Aead.TAG_BYTES);
                aead.seal(0, 0, page, page.address(), 0, tag.address());
                MemorySegment identity = arena.allocate(PageMac.MAC_BYTES);
                for (int again = 0; again < 3; again++) {
                    mac.mac(page.address(), 4096, identity.address());
                    assertThat(hex(identity)).as(crypto.name()).isEqualTo(hex(tag));
                }
                page.set(JAVA_BYTE, 4095, (byte) (page.get(JAVA_BYTE, 4095) ^ 1));
                mac.mac(page.address(), 4096, identity.address());
                assertThat(hex(identity)).isNotEqualTo(hex(tag));
            }
        });
    }

    @Test
    void openWhatTheOtherSealed() {
        Crypto libcrypto = Crypto.libcrypto().orElse(Crypto.jdk());
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (SecretKey key = SecretKey.random();
                Aead one = Crypto.jdk().aead(key);
                Aead other = libcrypto.aead(key)) {
            for (int round = 0; round < 500; round++) {
                try (Arena arena = Arena.ofConfined()) {
                    int bytes = round % 10 == 0 ? random.nextInt(1 << 20) : random.nextInt(8200);
                    MemorySegment aad = randomBytes(arena, random, random.nextInt(3) == 0 ? 0 : random.nextInt(300));
                    MemorySegment plain = randomBytes(arena, random, bytes);
                    MemorySegment byOne = arena.allocate(bytes + Aead.TAG_BYTES);
                    MemorySegment byOther = arena.allocate(bytes + Aead.TAG_BYTES);
                    // One of them in place, now and then.
                    boolean inPlace = random.nextBoolean();
                    MemorySegment from = inPlace ? byOther : plain;
                    MemorySegment.copy(plain, 0, byOther, 0, bytes);
                    int high = random.nextInt();
                    long low = random.nextLong();
                    one.seal(high, low, aad, plain.address(), bytes, byOne.address());
                    other.seal(high, low, aad, from.address(), bytes, byOther.address());
                    assertThat(byOne.mismatch(byOther))
                            .as("seed %d, round %d", seed, round)
                            .isEqualTo(-1);

                    assertThat(one.open(high, low, aad, byOther.address(), bytes + 16, byOther.address()))
                            .isTrue();
                    assertThat(other.open(high, low, aad, byOne.address(), bytes + 16, byOne.address()))
                            .isTrue();
                    assertThat(byOne.asSlice(0, bytes).mismatch(plain)).isEqualTo(-1);
                    assertThat(byOther.asSlice(0, bytes).mismatch(plain)).isEqualTo(-1);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("providers")
    void refusesAnyFlippedBitAndLeavesZeros(Crypto crypto) {
        try (Arena arena = Arena.ofConfined();
                SecretKey key = SecretKey.random();
                Aead aead = crypto.aead(key)) {
            MemorySegment aad = randomBytes(arena, new Random(1), 20);
            MemorySegment plain = randomBytes(arena, new Random(2), 100);
            MemorySegment sealed = arena.allocate(116);
            aead.seal(1, 2, aad, plain.address(), 100, sealed.address());
            MemorySegment out = arena.allocate(100);
            for (int bit = 0; bit < 116 * 8; bit++) {
                flip(sealed, bit);
                out.fill((byte) 0x55);
                assertThat(aead.open(1, 2, aad, sealed.address(), 116, out.address()))
                        .isFalse();
                assertThat(out.toArray(JAVA_BYTE)).containsOnly(0);
                flip(sealed, bit);
            }
            flip(aad, 9);
            assertThat(aead.open(1, 2, aad, sealed.address(), 116, out.address()))
                    .isFalse();
            flip(aad, 9);
            assertThat(aead.open(1, 3, aad, sealed.address(), 116, out.address()))
                    .isFalse();
            assertThat(aead.open(2, 2, aad, sealed.address(), 116, out.address()))
                    .isFalse();
            assertThat(aead.open(1, 2, aad, sealed.address(), 115, out.address()))
                    .isFalse();
            assertThat(aead.open(1, 2, aad, sealed.address(), 15, out.address()))
                    .isFalse();
            assertThat(aead.open(1, 2, aad, sealed.address(), 116, out.address()))
                    .isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("providers")
    void goesOnWithAnotherKeyAndTheSameNonce(Crypto crypto) {
        try (Arena arena = Arena.ofConfined();
                SecretKey first = SecretKey.random();
                SecretKey second = SecretKey.random();
                Aead aead = crypto.aead(first);
                Aead fresh = crypto.aead(second)) {
            MemorySegment text = randomBytes(arena, new Random(3), 64);
            MemorySegment one = arena.allocate(80);
            MemorySegment two = arena.allocate(80);
            aead.seal(0, 0, MemorySegment.NULL, text.address(), 64, one.address());
            aead.rekey(second);
            aead.seal(0, 0, MemorySegment.NULL, text.address(), 64, two.address());
            assertThat(one.mismatch(two)).isNotEqualTo(-1);
            fresh.seal(0, 0, MemorySegment.NULL, text.address(), 64, one.address());
            assertThat(one.mismatch(two)).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @MethodSource("providers")
    void refusesToBeUsedWhenClosedAndToTakeHeapMemory(Crypto crypto) {
        SecretKey key = SecretKey.random();
        Aead aead = crypto.aead(key);
        PageMac mac = crypto.pageMac(key);
        key.close();
        try (Arena arena = Arena.ofConfined()) {
            long place = arena.allocate(64).address();
            assertThatThrownBy(() -> aead.seal(0, 0, MemorySegment.ofArray(new byte[3]), place, 1, place))
                    .isInstanceOf(IllegalArgumentException.class);
            aead.close();
            aead.close();
            mac.close();
            mac.close();
            assertThatThrownBy(() -> aead.seal(0, 0, MemorySegment.NULL, place, 1, place))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> mac.mac(place, 1, place)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> crypto.aead(key)).isInstanceOf(IllegalStateException.class);
        }
    }

    /// After warming up, since interpreted method handles do allocate: some thousand calls must go by without a byte.
    @Test
    void allocatesNothingPerPageWithLibcrypto() {
        Crypto.libcrypto().ifPresent(crypto -> {
            var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            try (Arena arena = Arena.ofConfined();
                    SecretKey key = SecretKey.random();
                    Aead aead = crypto.aead(key);
                    PageMac mac = crypto.pageMac(key)) {
                MemorySegment page = randomBytes(arena, new Random(4), 4096 + 32);
                long least = Long.MAX_VALUE;
                for (int round = 0; round < 300 && least > 0; round++) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    sealSome(aead, mac, page);
                    least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                }
                assertThat(least).isZero();
            }
        });
    }

    private static void sealSome(Aead aead, PageMac mac, MemorySegment page) {
        for (int i = 0; i < 1000; i++) {
            aead.seal(1, i, MemorySegment.NULL, page.address(), 4096, page.address());
            aead.open(1, i, MemorySegment.NULL, page.address(), 4096 + 16, page.address());
            mac.mac(page.address(), 4096, page.address() + 4096 + 16);
        }
    }

    private static void flip(MemorySegment bytes, int bit) {
        bytes.set(JAVA_BYTE, bit >> 3, (byte) (bytes.get(JAVA_BYTE, bit >> 3) ^ (1 << (bit & 7))));
    }

    private static MemorySegment randomBytes(Arena arena, Random random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return arena.allocateFrom(JAVA_BYTE, bytes);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    private static String hex(MemorySegment bytes) {
        return HexFormat.of().formatHex(bytes.toArray(JAVA_BYTE));
    }
}
