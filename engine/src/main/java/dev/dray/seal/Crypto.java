package dev.dray.seal;

import java.util.Optional;

/// One of two providers of the same cryptography, byte for byte. Which one sealed a frame cannot be seen in it.
public interface Crypto {
    /// libcrypto if this host has it and it passes a known-answer test, else the JDK's. Decided once.
    static Crypto best() {
        return Providers.LIBCRYPTO.orElse(Providers.JDK);
    }

    /// The JDK's own provider.
    static Crypto jdk() {
        return Providers.JDK;
    }

    /// OpenSSL's libcrypto, if this host has it.
    static Optional<Crypto> libcrypto() {
        return Providers.LIBCRYPTO;
    }

    /// What to call it in reports: `libcrypto` or `jdk`.
    String name();

    /// AES-256-GCM under this key; the object belongs to one thread. The key may be closed afterwards.
    Aead aead(SecretKey key);

    /// A page identity under this key; the object belongs to one thread. The key may be closed afterwards.
    PageMac pageMac(SecretKey key);
}
