package dev.dray.seal;

import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import java.nio.file.Path;

/// A key in a file.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class KeyFile {
    private KeyFile() {}

    /// Makes the file, readable by its owner only, with a new random key.
    ///
    /// @throws UsageException if it exists
    public static Credential.Key create(Path file) throws UsageException, MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    public static Credential.Key read(Path file) throws KeyException, MachineException {
        throw new UnsupportedOperationException("not yet");
    }

    /// @param where what to call the text's origin in messages
    public static Credential.Key parse(String text, String where) throws KeyException {
        throw new UnsupportedOperationException("not yet");
    }
}
