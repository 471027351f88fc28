package dev.dray.seal;

import dev.dray.linux.CFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.lang.ref.Reference;

/// The few functions of OpenSSL's libcrypto (3.x) that Dray uses, named as there. Loading this class throws a
/// LinkageError or an IllegalArgumentException where the library or a function is missing; see
/// [LibcryptoProvider#find].
///
/// Every function here returns quickly and touches only memory of ours; pointers are passed as `long`.
final class Libcrypto {
    static final int EVP_CTRL_AEAD_GET_TAG = 0x10;
    static final int EVP_CTRL_AEAD_SET_TAG = 0x11;
    static final int DECRYPT = 0;
    static final int ENCRYPT = 1;

    private static final long NO_ENGINE = 0;
    private static final long KEEP = 0;
    private static final long OPENSSL_INIT_NO_ATEXIT = 0x00080000;
    private static final SymbolLookup LIBRARY = library();

    private static final CFunction OPENSSL_INIT_CRYPTO = CFunction.of(LIBRARY, "OPENSSL_init_crypto");
    private static final CFunction EVP_CIPHER_FETCH = CFunction.of(LIBRARY, "EVP_CIPHER_fetch");
    private static final CFunction EVP_CIPHER_CTX_NEW = CFunction.of(LIBRARY, "EVP_CIPHER_CTX_new");
    private static final CFunction EVP_CIPHER_CTX_FREE = CFunction.of(LIBRARY, "EVP_CIPHER_CTX_free");
    private static final CFunction EVP_CIPHER_CTX_CTRL = CFunction.of(LIBRARY, "EVP_CIPHER_CTX_ctrl");
    private static final CFunction EVP_CIPHER_INIT = CFunction.of(LIBRARY, "EVP_CipherInit_ex");
    private static final CFunction EVP_CIPHER_UPDATE = CFunction.of(LIBRARY, "EVP_CipherUpdate");
    private static final CFunction EVP_CIPHER_FINAL = CFunction.of(LIBRARY, "EVP_CipherFinal_ex");
    private static final CFunction ERR_CLEAR_ERROR = CFunction.of(LIBRARY, "ERR_clear_error");

    private static final long AES_256_GCM = fetchAes256Gcm();

    private Libcrypto() {}

    // SAFETY: the library is the system's OpenSSL and stays loaded as long as the process.
    @SuppressWarnings("restricted")
    private static SymbolLookup library() {
        return SymbolLookup.libraryLookup("libcrypto.so.3", Arena.global());
    }

    /// Without its exit handler, which would pull the tables from under threads that still seal while the JVM exits.
    private static long fetchAes256Gcm() {
        try (Arena arena = Arena.ofConfined()) {
            int ok = (int) OPENSSL_INIT_CRYPTO.call(OPENSSL_INIT_NO_ATEXIT, 0);
            long name = arena.allocateFrom("AES-256-GCM").address();
            long cipher = EVP_CIPHER_FETCH.call(0, name, 0);
            if (ok != 1 || cipher == 0) {
                throw new UnsatisfiedLinkError("libcrypto.so.3 has no AES-256-GCM");
            }
            return cipher;
        }
    }

    /// A context for AES-256-GCM with this key, 96-bit nonces.
    static long newContext(SecretKey key) {
        long context = EVP_CIPHER_CTX_NEW.call();
        if (context == 0) {
            throw new OutOfMemoryError("libcrypto has no memory for a cipher context");
        }
        rekey(context, AES_256_GCM, key);
        return context;
    }

    /// Goes on with another key.
    static void rekey(long context, SecretKey key) {
        rekey(context, KEEP, key);
    }

    private static void rekey(long context, long cipher, SecretKey key) {
        try {
            long keyAddress = key.bytes().address();
            require((int) EVP_CIPHER_INIT.call(context, cipher, NO_ENGINE, keyAddress, KEEP, ENCRYPT));
        } finally {
            Reference.reachabilityFence(key); // whose memory the address is
        }
    }

    /// Wipes and frees it.
    static void freeContext(long context) {
        EVP_CIPHER_CTX_FREE.call(context);
    }

    /// Begins a message: sets the nonce, keeps the key schedule.
    static void begin(long context, long nonceAddress, int direction) {
        require((int) EVP_CIPHER_INIT.call(context, KEEP, NO_ENGINE, KEEP, nonceAddress, direction));
    }

    /// Takes in associated data (`outAddress` 0) or text.
    ///
    /// @param countAddress where an `int` may be written that nobody reads
    static void update(long context, long outAddress, long countAddress, long inAddress, int bytes) {
        require((int) EVP_CIPHER_UPDATE.call(context, outAddress, countAddress, inAddress, bytes));
    }

    /// Ends a message; false if its tag is wrong.
    static boolean finish(long context, long outAddress, long countAddress) {
        return (int) EVP_CIPHER_FINAL.call(context, outAddress, countAddress) == 1;
    }

    /// Gets or sets the tag.
    static void tag(long context, int control, long tagAddress) {
        require((int) EVP_CIPHER_CTX_CTRL.call(context, control, Aead.TAG_BYTES, tagAddress));
    }

    /// Empties this thread's queue of errors, which would otherwise grow with every forged frame.
    static void clearErrors() {
        ERR_CLEAR_ERROR.call();
    }

    private static void require(int result) {
        if (result != 1) {
            throw new IllegalStateException("libcrypto refused an operation on AES-256-GCM");
        }
    }
}
