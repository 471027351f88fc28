package dev.dray.seal;

import dev.dray.error.CorruptException;
import dev.dray.error.KeyException;

/// Key slots.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class KeySlots {
    public static final int TYPE_KEY = 1;
    public static final int TYPE_PASSPHRASE = 2;

    private KeySlots() {}

    /// The bytes of a new slot in which the credential locks the master key.
    ///
    /// @param repositoryId 16 bytes
    public static byte[] wrap(SecretKey master, byte[] repositoryId, Credential credential) throws KeyException {
        throw new UnsupportedOperationException("not yet");
    }

    /// The master key.
    ///
    /// @throws KeyException if the credential is not the slot's
    /// @throws CorruptException if the slot is damaged
    public static SecretKey unwrap(byte[] slot, byte[] repositoryId, Credential credential)
            throws KeyException, CorruptException {
        throw new UnsupportedOperationException("not yet");
    }

    /// [#TYPE_KEY], [#TYPE_PASSPHRASE], or a number of a later version.
    public static int type(byte[] slot) throws CorruptException {
        throw new UnsupportedOperationException("not yet");
    }
}
