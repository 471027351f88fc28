package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.linux.GetRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/// A 256-bit key outside the Java heap, where no garbage collector makes copies of it; wiped when closed.
/// May be read by many threads; whoever closes it knows that the others are done.
public final class SecretKey implements AutoCloseable {
    public static final int KEY_BYTES = 32;

    private static final int LABEL_CHARS_MAX = 64;
    private static final int CONTEXT_BYTES_MAX = 1024;

    private final MemorySegment memory = Arena.ofAuto().allocate(KEY_BYTES);
    private volatile boolean closed;

    private SecretKey() {}

    /// A new random key.
    public static SecretKey random() {
        SecretKey key = new SecretKey();
        GetRandom.fill(key.memory);
        return key;
    }

    /// A key of these bytes, which are copied; the caller wipes his.
    ///
    /// @param key32 exactly 32 bytes
    public static SecretKey of(byte[] key32) {
        if (key32.length != KEY_BYTES) {
            throw new IllegalArgumentException("A key has " + KEY_BYTES + " bytes, not " + key32.length);
        }
        SecretKey key = new SecretKey();
        MemorySegment.copy(key32, 0, key.memory, JAVA_BYTE, 0, KEY_BYTES);
        return key;
    }

    /// The key that HKDF-SHA256 (RFC 5869) makes of this one for a purpose; different labels or contexts give
    /// independent keys. The salt is empty; the info is the label's length in one byte, the label, the context.
    ///
    /// @param label ASCII, 1 to 64 characters
    /// @param context at most 1024 bytes
    public SecretKey derive(String label, byte[] context) {
        byte[] info = info(label, context);
        byte[] input = heapCopy();
        byte[] output = hkdf(input, new byte[0], info, KEY_BYTES);
        try {
            return of(output);
        } finally {
            Arrays.fill(input, (byte) 0);
            Arrays.fill(output, (byte) 0);
        }
    }

    private static byte[] info(String label, byte[] context) {
        byte[] ascii = label.getBytes(StandardCharsets.US_ASCII);
        if (ascii.length == 0 || ascii.length > LABEL_CHARS_MAX || context.length > CONTEXT_BYTES_MAX) {
            throw new IllegalArgumentException("A label of " + ascii.length + " characters (1 to " + LABEL_CHARS_MAX
                    + ") with a context of " + context.length + " bytes (at most " + CONTEXT_BYTES_MAX + ")");
        }
        byte[] info = new byte[1 + ascii.length + context.length];
        info[0] = (byte) ascii.length;
        System.arraycopy(ascii, 0, info, 1, ascii.length);
        System.arraycopy(context, 0, info, 1 + ascii.length, context.length);
        return info;
    }

    /// HKDF-SHA256 as in RFC 5869, extract then expand.
    static byte[] hkdf(byte[] input, byte[] salt, byte[] info, int bytes) {
        try {
            HKDFParameterSpec.Builder extract = HKDFParameterSpec.ofExtract().addIKM(input);
            if (salt.length > 0) {
                extract = extract.addSalt(salt);
            }
            return KDF.getInstance("HKDF-SHA256").deriveData(extract.thenExpand(info, bytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The JDK has no HKDF-SHA256", e);
        }
    }

    /// The 32 bytes themselves, read-only native memory, to be used before [#close].
    public MemorySegment bytes() {
        if (closed) {
            throw new IllegalStateException("The key is closed");
        }
        return memory.asReadOnly();
    }

    /// A copy on the heap, which the caller wipes.
    byte[] heapCopy() {
        return bytes().toArray(JAVA_BYTE);
    }

    /// Wipes the key; a second time does nothing.
    @Override
    public void close() {
        closed = true;
        memory.fill((byte) 0);
    }

    @Override
    public String toString() {
        return "SecretKey[not shown]";
    }
}
