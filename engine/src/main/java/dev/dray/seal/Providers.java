package dev.dray.seal;

import java.util.Optional;

/// What [Crypto] hands out, made when first asked for.
final class Providers {
    static final Crypto JDK = new JdkProvider();
    static final Optional<Crypto> LIBCRYPTO = LibcryptoProvider.find();

    private Providers() {}
}
