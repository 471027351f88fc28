package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;

/// A known-answer test that a native provider passes before it is trusted with anything: test case 16 of the
/// GCM specification (McGrew and Viega), with AES-256, associated data and a text that ends within a block.
final class KnownAnswer {
    private static final byte[] KEY = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    private static final int NONCE_HIGH = 0xcafebabe;
    private static final long NONCE_LOW = 0xfacedbaddecaf888L;
    private static final byte[] AAD = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    private static final byte[] PLAIN = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    private static final byte[] SEALED = hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" // ends within a block
            + "76fc6ece0f4e1768cddf8853bb2d551b");

    private KnownAnswer() {}

    static boolean isGivenBy(Crypto crypto) {
        try (Arena arena = Arena.ofConfined();
                SecretKey key = SecretKey.of(KEY);
                Aead aead = crypto.aead(key)) {
            MemorySegment aad = arena.allocateFrom(JAVA_BYTE, AAD);
            MemorySegment text = arena.allocate(SEALED.length);
            MemorySegment.copy(PLAIN, 0, text, JAVA_BYTE, 0, PLAIN.length);
            aead.seal(NONCE_HIGH, NONCE_LOW, aad, text.address(), PLAIN.length, text.address());
            boolean sealed = Arrays.equals(text.toArray(JAVA_BYTE), SEALED);
            boolean opened = aead.open(NONCE_HIGH, NONCE_LOW, aad, text.address(), SEALED.length, text.address());
            byte[] plain = text.asSlice(0, PLAIN.length).toArray(JAVA_BYTE);
            return sealed && opened && Arrays.equals(plain, PLAIN);
        }
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
