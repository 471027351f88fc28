package dev.dray.seal;

/// A keyed 128-bit identity of a page's bytes, by one thread: the same key and bytes give the same 16 bytes.
/// It is GMAC (AES-256-GCM over associated data only) under a fixed nonce, so its outputs must never be seen by
/// whoever chooses the bytes: they stay inside sealed data.
public interface PageMac extends AutoCloseable {
    int MAC_BYTES = 16;

    /// @param intoAddress native memory for 16 bytes
    void mac(long address, int bytes, long intoAddress);

    @Override
    void close();
}
