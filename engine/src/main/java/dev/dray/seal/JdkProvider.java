package dev.dray.seal;

/// The JDK's own cryptography: needs no library, allocates a little per call, and is slow until it is compiled.
final class JdkProvider implements Crypto {
    @Override
    public String name() {
        return "jdk";
    }

    @Override
    public Aead aead(SecretKey key) {
        return new JdkAead(key);
    }

    @Override
    public PageMac pageMac(SecretKey key) {
        return new JdkPageMac(key);
    }
}
