package dev.dray.seal;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;

/// GMAC by the JDK, at two initializations per page (see [JdkCipher]).
final class JdkPageMac implements PageMac {
    private @Nullable JdkCipher cipher;

    JdkPageMac(SecretKey key) {
        cipher = new JdkCipher(key);
    }

    @Override
    public void mac(long address, int bytes, long intoAddress) {
        JdkCipher open = cipher;
        if (open == null) {
            throw new IllegalStateException("The cipher is closed");
        }
        try {
            Cipher ready = open.forEncryption(0, 0);
            ready.updateAAD(JdkCipher.view(address, bytes));
            ready.doFinal(JdkCipher.view(address, 0), JdkCipher.view(intoAddress, MAC_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The JDK could not authenticate " + bytes + " bytes", e);
        }
    }

    @Override
    public void close() {
        cipher = null;
    }
}
