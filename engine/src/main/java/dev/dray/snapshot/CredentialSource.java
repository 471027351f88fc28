package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.seal.Credential;

/// Gets the user's credential when it is needed: reads a file, runs a command, asks at the terminal.
@FunctionalInterface
public interface CredentialSource {
    Credential credential() throws DrayException;
}
