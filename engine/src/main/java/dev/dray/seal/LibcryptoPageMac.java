package dev.dray.seal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// GMAC by one libcrypto context, whose key schedule is kept.
final class LibcryptoPageMac implements PageMac {
    private final Arena arena = Arena.ofShared();

    /// The nonce, always zeros, and behind it the `int` that libcrypto writes lengths to.
    private final MemorySegment scratch = arena.allocate(Nonce.BYTES + Integer.BYTES, Integer.BYTES);

    private long context;

    LibcryptoPageMac(SecretKey key) {
        context = Libcrypto.newContext(key);
    }

    @Override
    public void mac(long address, int bytes, long intoAddress) {
        if (context == 0) {
            throw new IllegalStateException("The cipher is closed");
        }
        long nonce = scratch.address();
        long count = nonce + Nonce.BYTES;
        Libcrypto.begin(context, nonce, Libcrypto.ENCRYPT);
        if (bytes > 0) {
            Libcrypto.update(context, 0, count, address, bytes);
        }
        if (!Libcrypto.finish(context, intoAddress, count)) {
            throw new IllegalStateException("libcrypto could not authenticate " + bytes + " bytes");
        }
        Libcrypto.tag(context, Libcrypto.EVP_CTRL_AEAD_GET_TAG, intoAddress);
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
