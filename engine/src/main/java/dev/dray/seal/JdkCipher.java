package dev.dray.seal;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// A JDK cipher for AES-256-GCM that can be told the same nonce again. The JDK refuses to encrypt twice in a
/// row with one key and nonce, which is right for messages; a page identity needs just that, and tests repeat
/// themselves. It compares with the last initialization only, so one with another nonce comes in between.
final class JdkCipher {
    private static final int TAG_BITS = Aead.TAG_BYTES * 8;

    private final Cipher cipher;
    private final byte[] nonce = new byte[Nonce.BYTES];
    private final MemorySegment nonceSegment = MemorySegment.ofArray(nonce);
    private SecretKeySpec key;
    private boolean encrypted;
    private int lastHigh;
    private long lastLow;

    JdkCipher(SecretKey key) {
        this.key = spec(key);
        try {
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The JDK has no AES-GCM", e);
        }
    }

    private static SecretKeySpec spec(SecretKey key) {
        byte[] copy = key.heapCopy();
        try {
            return new SecretKeySpec(copy, "AES");
        } finally {
            Arrays.fill(copy, (byte) 0);
        }
    }

    void rekey(SecretKey next) {
        key = spec(next);
    }

    Cipher forEncryption(int nonceHigh, long nonceLow) throws GeneralSecurityException {
        if (encrypted && nonceHigh == lastHigh && nonceLow == lastLow) {
            init(Cipher.ENCRYPT_MODE, nonceHigh, ~nonceLow);
        }
        init(Cipher.ENCRYPT_MODE, nonceHigh, nonceLow);
        encrypted = true;
        lastHigh = nonceHigh;
        lastLow = nonceLow;
        return cipher;
    }

    Cipher forDecryption(int nonceHigh, long nonceLow) throws GeneralSecurityException {
        init(Cipher.DECRYPT_MODE, nonceHigh, nonceLow);
        return cipher;
    }

    private void init(int mode, int nonceHigh, long nonceLow) throws GeneralSecurityException {
        Nonce.write(nonceSegment, nonceHigh, nonceLow);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    }

    /// A view of native memory.
    // SAFETY: the caller owns these bytes for the length of the call (the contract of Aead and PageMac), and the
    // buffer does not outlive it.
    @SuppressWarnings("restricted")
    static ByteBuffer view(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes).asByteBuffer();
    }
}
