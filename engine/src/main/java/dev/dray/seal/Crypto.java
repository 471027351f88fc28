package dev.dray.seal;

import java.util.Optional;

/// One of two providers of the same cryptography, byte for byte.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public interface Crypto {
    /// libcrypto if this host has it and it passes a known-answer test, else the JDK's.
    static Crypto best() {
        throw new UnsupportedOperationException("not yet");
    }

    /// The JDK's own provider.
    static Crypto jdk() {
        throw new UnsupportedOperationException("not yet");
    }

    /// OpenSSL's libcrypto, if this host has it.
    static Optional<Crypto> libcrypto() {
        throw new UnsupportedOperationException("not yet");
    }

    /// What to call it in reports.
    String name();

    /// AES-256-GCM under this key; the object belongs to one thread. The key may be closed afterwards.
    Aead aead(SecretKey key);

    /// A page identity under this key; the object belongs to one thread. The key may be closed afterwards.
    PageMac pageMac(SecretKey key);
}
