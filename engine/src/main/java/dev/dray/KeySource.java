package dev.dray;

import dev.dray.error.DrayException;
import java.nio.file.Path;

/// Where the key of a repository comes from. It is a way to the secret, never the secret itself: the secret
/// is read when a repository is opened and wiped right after.
public sealed interface KeySource {
    /// A key file that `dray init` made.
    record KeyFileAt(Path file) implements KeySource {}

    /// A command that prints the contents of a key file, run by `sh -c` without Dray's own secrets in its
    /// environment.
    record KeyCommand(String command) implements KeySource {}

    /// A passphrase.
    ///
    /// @param from what it comes from, for messages: `DRAY_PASSPHRASE`
    /// @param passphrase gives it, in an array that the caller wipes
    record PassphraseFrom(String from, Passphrase passphrase) implements KeySource {}

    /// Nothing was given, but there is somebody to ask for a passphrase if the repository is encrypted.
    record Ask(Passphrase passphrase) implements KeySource {}

    /// No key was given: enough for a repository that is not encrypted.
    record None() implements KeySource {}

    /// Gives a passphrase when it is needed.
    @FunctionalInterface
    interface Passphrase {
        char[] read() throws DrayException;
    }

    static KeySource none() {
        return new None();
    }
}
