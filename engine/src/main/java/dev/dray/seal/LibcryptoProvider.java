package dev.dray.seal;

import java.util.Optional;

/// OpenSSL's libcrypto through the foreign function interface: at full speed from the first megabytes on, and
/// nothing is allocated per call.
final class LibcryptoProvider implements Crypto {
    private LibcryptoProvider() {}

    /// The provider, if the library is there and computes what the standard says.
    static Optional<Crypto> find() {
        try {
            Crypto found = new LibcryptoProvider();
            return KnownAnswer.isGivenBy(found) ? Optional.of(found) : Optional.empty();
        } catch (LinkageError | IllegalArgumentException | IllegalStateException e) {
            // No such library, another version of it, or one that is configured to refuse this cipher.
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "libcrypto";
    }

    @Override
    public Aead aead(SecretKey key) {
        return new LibcryptoAead(key);
    }

    @Override
    public PageMac pageMac(SecretKey key) {
        return new LibcryptoPageMac(key);
    }
}
