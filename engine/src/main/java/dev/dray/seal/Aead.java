package dev.dray.seal;

import java.lang.foreign.MemorySegment;

/// AES-256-GCM under one key, by one thread. A nonce is 96 bits: `nonceHigh` in 4 bytes, then `nonceLow` in 8,
/// both big-endian; the caller sees to it that one key never seals twice under one nonce.
///
/// Addresses are native memory of which the caller owns at least the bytes named.
public interface Aead extends AutoCloseable {
    int TAG_BYTES = 16;

    /// Writes `bytes + TAG_BYTES` at `sealedAddress`.
    ///
    /// @param aad native memory, may be empty: bytes that are authenticated and not stored
    /// @param sealedAddress may equal `plainAddress`; overlapping in another way is not allowed
    void seal(int nonceHigh, long nonceLow, MemorySegment aad, long plainAddress, int bytes, long sealedAddress);

    /// Writes `sealedBytes - TAG_BYTES` at `plainAddress` if they are authentic, else zeros.
    ///
    /// @param plainAddress may equal `sealedAddress`; overlapping in another way is not allowed
    /// @return false if not authentic, or shorter than a tag
    boolean open(
            int nonceHigh, long nonceLow, MemorySegment aad, long sealedAddress, int sealedBytes, long plainAddress);

    /// Goes on with another key.
    void rekey(SecretKey key);

    @Override
    void close();
}
