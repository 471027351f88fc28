package dev.dray.seal;

import dev.dray.linux.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/// AES-256-GCM by one libcrypto context, whose key schedule is kept: per frame only the nonce is set.
final class LibcryptoAead implements Aead {
    private final Arena arena = Arena.ofShared();

    /// The nonce, and behind it the `int` that libcrypto writes lengths to.
    private final MemorySegment scratch = arena.allocate(Nonce.BYTES + Integer.BYTES, Integer.BYTES);

    private long context;

    LibcryptoAead(SecretKey key) {
        context = Libcrypto.newContext(key);
    }

    @Override
    public void seal(
            int nonceHigh, long nonceLow, MemorySegment aad, long plainAddress, int bytes, long sealedAddress) {
        long count = begin(nonceHigh, nonceLow, aad, Libcrypto.ENCRYPT);
        if (bytes > 0) {
            Libcrypto.update(context, sealedAddress, count, plainAddress, bytes);
        }
        if (!Libcrypto.finish(context, sealedAddress + bytes, count)) {
            throw new IllegalStateException("libcrypto could not seal " + bytes + " bytes");
        }
        Libcrypto.tag(context, Libcrypto.EVP_CTRL_AEAD_GET_TAG, sealedAddress + bytes);
    }

    @Override
    public boolean open(
            int nonceHigh, long nonceLow, MemorySegment aad, long sealedAddress, int sealedBytes, long plainAddress) {
        int bytes = sealedBytes - TAG_BYTES;
        if (bytes < 0) {
            return false;
        }
        long count = begin(nonceHigh, nonceLow, aad, Libcrypto.DECRYPT);
        Libcrypto.tag(context, Libcrypto.EVP_CTRL_AEAD_SET_TAG, sealedAddress + bytes);
        if (bytes > 0) {
            Libcrypto.update(context, plainAddress, count, sealedAddress, bytes);
        }
        boolean authentic = Libcrypto.finish(context, plainAddress + bytes, count);
        if (!authentic) {
            Libcrypto.clearErrors();
            NativeMemory.zero(plainAddress, bytes);
        }
        return authentic;
    }

    /// @return where lengths may be written
    private long begin(int nonceHigh, long nonceLow, MemorySegment aad, int direction) {
        checkOpen();
        Nonce.write(scratch, nonceHigh, nonceLow);
        long count = scratch.address() + Nonce.BYTES;
        Libcrypto.begin(context, scratch.address(), direction);
        long aadBytes = aad.byteSize();
        if (aadBytes > 0) {
            try {
                Libcrypto.update(context, 0, count, Nonce.nativeAddress(aad), Math.toIntExact(aadBytes));
            } finally {
                Reference.reachabilityFence(aad);
            }
        }
        return count;
    }

    @Override
    public void rekey(SecretKey key) {
        checkOpen();
        Libcrypto.rekey(context, key);
    }

    private void checkOpen() {
        if (context == 0) {
            throw new IllegalStateException("The cipher is closed");
        }
    }

    @Override
    public void close() {
        if (context != 0) {
            Libcrypto.freeContext(context);
            context = 0;
            arena.close();
        }
    }
}
