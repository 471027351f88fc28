package dev.dray.seal;

import dev.dray.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;

/// AES-256-GCM by the JDK.
final class JdkAead implements Aead {
    private @Nullable JdkCipher cipher;

    JdkAead(SecretKey key) {
        cipher = new JdkCipher(key);
    }

    @Override
    public void seal(
            int nonceHigh, long nonceLow, MemorySegment aad, long plainAddress, int bytes, long sealedAddress) {
        try {
            Cipher ready = usable().forEncryption(nonceHigh, nonceLow);
            updateAad(ready, aad);
            ready.doFinal(JdkCipher.view(plainAddress, bytes), JdkCipher.view(sealedAddress, (long) bytes + TAG_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The JDK could not seal " + bytes + " bytes", e);
        }
    }

    @Override
    public boolean open(
            int nonceHigh, long nonceLow, MemorySegment aad, long sealedAddress, int sealedBytes, long plainAddress) {
        int bytes = sealedBytes - TAG_BYTES;
        if (bytes < 0) {
            return false;
        }
        try {
            Cipher ready = usable().forDecryption(nonceHigh, nonceLow);
            updateAad(ready, aad);
            ready.doFinal(JdkCipher.view(sealedAddress, sealedBytes), JdkCipher.view(plainAddress, bytes));
            return true;
        } catch (AEADBadTagException e) {
            NativeMemory.zero(plainAddress, bytes);
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The JDK could not open " + sealedBytes + " bytes", e);
        }
    }

    private static void updateAad(Cipher ready, MemorySegment aad) {
        if (aad.byteSize() > 0) {
            ready.updateAAD(JdkCipher.view(Nonce.nativeAddress(aad), aad.byteSize()));
        }
    }

    @Override
    public void rekey(SecretKey key) {
        usable().rekey(key);
    }

    private JdkCipher usable() {
        JdkCipher open = cipher;
        if (open == null) {
            throw new IllegalStateException("The cipher is closed");
        }
        return open;
    }

    @Override
    public void close() {
        cipher = null;
    }
}
