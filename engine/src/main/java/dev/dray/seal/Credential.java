package dev.dray.seal;

/// What a user gives to open a repository. The arrays are the caller's: whoever made them wipes them.
@SuppressWarnings("ArrayRecordComponent") // arrays, because what they hold can be wiped
public sealed interface Credential {
    /// A key of 32 bytes, from a key file or a command.
    record Key(byte[] key32) implements Credential {
        public Key {
            if (key32.length != SecretKey.KEY_BYTES) {
                throw new IllegalArgumentException("A key has 32 bytes, not " + key32.length);
            }
        }

        @Override
        public String toString() {
            return "Key[not shown]";
        }
    }

    /// A passphrase, as typed.
    record Passphrase(char[] text) implements Credential {
        @Override
        public String toString() {
            return "Passphrase[not shown]";
        }
    }
}
