package dev.dray.seal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
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

    private static final MethodHandle OPENSSL_INIT_CRYPTO =
            link("OPENSSL_init_crypto", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle EVP_CIPHER_FETCH =
            link("EVP_CIPHER_fetch", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG));
    private static final MethodHandle EVP_CIPHER_CTX_NEW = link("EVP_CIPHER_CTX_new", FunctionDescriptor.of(JAVA_LONG));
    private static final MethodHandle EVP_CIPHER_CTX_FREE =
            link("EVP_CIPHER_CTX_free", FunctionDescriptor.ofVoid(JAVA_LONG));
    private static final MethodHandle EVP_CIPHER_CTX_CTRL =
            link("EVP_CIPHER_CTX_ctrl", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle EVP_CIPHER_INIT = link(
            "EVP_CipherInit_ex",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle EVP_CIPHER_UPDATE = link(
            "EVP_CipherUpdate", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle EVP_CIPHER_FINAL =
            link("EVP_CipherFinal_ex", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle ERR_CLEAR_ERROR = link("ERR_clear_error", FunctionDescriptor.ofVoid());

    private static final long AES_256_GCM = fetchAes256Gcm();

    private Libcrypto() {}

    // SAFETY: the library is the system's OpenSSL and stays loaded as long as the process.
    @SuppressWarnings("restricted")
    private static SymbolLookup library() {
        return SymbolLookup.libraryLookup("libcrypto.so.3", Arena.global());
    }

    // SAFETY: the shapes are those of OpenSSL 3.0's evp.h, crypto.h and err.h; `size_t` and pointers are 64 bits.
    @SuppressWarnings("restricted")
    private static MethodHandle link(String symbol, FunctionDescriptor shape) {
        MemorySegment function = LIBRARY.find(symbol)
                .orElseThrow(() -> new UnsatisfiedLinkError("libcrypto.so.3 has no function " + symbol));
        return Linker.nativeLinker().downcallHandle(function, shape);
    }

    /// Without its exit handler, which would pull the tables from under threads that still seal while the JVM exits.
    private static long fetchAes256Gcm() {
        try (Arena arena = Arena.ofConfined()) {
            int ok = (int) OPENSSL_INIT_CRYPTO.invokeExact(OPENSSL_INIT_NO_ATEXIT, 0L);
            long cipher = (long) EVP_CIPHER_FETCH.invokeExact(0L, arena.allocateFrom("AES-256-GCM"), 0L);
            if (ok != 1 || cipher == 0) {
                throw new UnsatisfiedLinkError("libcrypto.so.3 has no AES-256-GCM");
            }
            return cipher;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// A context for AES-256-GCM with this key, 96-bit nonces.
    static long newContext(SecretKey key) {
        long context;
        try {
            context = (long) EVP_CIPHER_CTX_NEW.invokeExact();
            if (context == 0) {
                throw new OutOfMemoryError("libcrypto has no memory for a cipher context");
            }
        } catch (Throwable t) {
            throw unexpected(t);
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
            require((int) EVP_CIPHER_INIT.invokeExact(context, cipher, NO_ENGINE, keyAddress, KEEP, ENCRYPT));
        } catch (Throwable t) {
            throw unexpected(t);
        } finally {
            Reference.reachabilityFence(key); // whose memory the address is
        }
    }

    /// Wipes and frees it.
    static void freeContext(long context) {
        try {
            EVP_CIPHER_CTX_FREE.invokeExact(context);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// Begins a message: sets the nonce, keeps the key schedule.
    static void begin(long context, long nonceAddress, int direction) {
        try {
            require((int) EVP_CIPHER_INIT.invokeExact(context, KEEP, NO_ENGINE, KEEP, nonceAddress, direction));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// Takes in associated data (`outAddress` 0) or text.
    ///
    /// @param countAddress where an `int` may be written that nobody reads
    static void update(long context, long outAddress, long countAddress, long inAddress, int bytes) {
        try {
            require((int) EVP_CIPHER_UPDATE.invokeExact(context, outAddress, countAddress, inAddress, bytes));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// Ends a message; false if its tag is wrong.
    static boolean finish(long context, long outAddress, long countAddress) {
        try {
            return (int) EVP_CIPHER_FINAL.invokeExact(context, outAddress, countAddress) == 1;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// Gets or sets the tag.
    static void tag(long context, int control, long tagAddress) {
        try {
            require((int) EVP_CIPHER_CTX_CTRL.invokeExact(context, control, Aead.TAG_BYTES, tagAddress));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /// Empties this thread's queue of errors, which would otherwise grow with every forged frame.
    static void clearErrors() {
        try {
            ERR_CLEAR_ERROR.invokeExact();
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static void require(int result) {
        if (result != 1) {
            throw new IllegalStateException("libcrypto refused an operation on AES-256-GCM");
        }
    }

    private static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError("A downcall threw", thrown);
    }
}
