package dev.dray.cli;

import dev.dray.KeySource;
import dev.dray.RepositoryAccess;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.UsageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// `--repo` and the ways to a key. A flag counts before a variable, a key before a passphrase, and the terminal
/// comes last.
final class RepositoryArguments {
    private static final int PASSPHRASE_BYTES_MAX = 1024;

    static final String KEY_HINT =
            "--key-file F (or DRAY_KEY_FILE), --key-command CMD, or --passphrase-file F" + " (or DRAY_PASSPHRASE)";

    static final List<String> KEY_OPTIONS = List.of("--key-file", "--key-command", "--passphrase-file");

    private RepositoryArguments() {}

    static RepositoryAccess read(Invocation invocation) throws UsageException {
        return new RepositoryAccess(
                place(invocation)
                        .orElseThrow(() -> new UsageException(
                                "No repository is given", "Use --repo R, or set DRAY_REPO to a directory or URL")),
                keySource(invocation, "Passphrase"));
    }

    static Optional<String> place(Invocation invocation) throws UsageException {
        Optional<String> given = invocation.option("--repo");
        return given.isPresent() ? given : variable(invocation, "DRAY_REPO");
    }

    /// @param question how to ask on the terminal if nothing else is given
    static KeySource keySource(Invocation invocation, String question) throws UsageException {
        List<String> given = KEY_OPTIONS.stream().filter(invocation::has).toList();
        if (given.size() > 1) {
            throw new UsageException(
                    given.get(0) + " and " + given.get(1) + " are two ways to the key", "Give one of them");
        }
        Optional<String> keyFile = invocation.filled("--key-file", "Name the file that `dray init` made");
        Optional<String> keyCommand =
                invocation.filled("--key-command", "Give a command whose output is the content of a key file");
        Optional<String> passphraseFile =
                invocation.filled("--passphrase-file", "Name a file whose first line is the passphrase");
        if (keyFile.isEmpty() && given.isEmpty()) {
            keyFile = variable(invocation, "DRAY_KEY_FILE");
        }
        if (keyFile.isPresent()) {
            return new KeySource.KeyFileAt(Path.of(keyFile.get()));
        }
        if (keyCommand.isPresent()) {
            return new KeySource.KeyCommand(keyCommand.get());
        }
        if (passphraseFile.isPresent()) {
            Path file = Path.of(passphraseFile.get());
            return new KeySource.PassphraseFrom(file.toString(), () -> firstLine(file));
        }
        Optional<String> passphrase = variable(invocation, "DRAY_PASSPHRASE");
        if (passphrase.isPresent()) {
            return new KeySource.PassphraseFrom("DRAY_PASSPHRASE", passphrase.get()::toCharArray);
        }
        return invocation.around().terminal() ? onTerminal(invocation.around(), question) : KeySource.none();
    }

    private static KeySource onTerminal(Surroundings around, String question) {
        return new KeySource.Ask(() -> {
            Optional<char[]> answer = around.prompt().ask(question);
            if (around.stop().isRequested()) {
                throw new InterruptedOperation("Stopped while the passphrase was asked for", "");
            }
            return answer.filter(text -> text.length > 0)
                    .orElseThrow(() -> new KeyException("No passphrase was given", "Give " + KEY_HINT));
        });
    }

    private static Optional<String> variable(Invocation invocation, String name) throws UsageException {
        Map<String, String> environment = invocation.around().environment();
        String value = environment.getOrDefault(name, "");
        Program.requireText(name, value);
        return Optional.of(value).filter(each -> !each.isEmpty());
    }

    private static char[] firstLine(Path file) throws KeyException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(PASSPHRASE_BYTES_MAX + 1);
        } catch (IOException e) {
            throw new KeyException("Cannot read the passphrase file " + file, "Check the path and its permissions", e);
        }
        int end = 0;
        while (end < bytes.length && bytes[end] != '\n' && bytes[end] != '\r') {
            end++;
        }
        try {
            if (end == 0 || end > PASSPHRASE_BYTES_MAX) {
                throw new KeyException(
                        "The first line of the passphrase file " + file
                                + (end == 0 ? " is empty" : " is longer than " + PASSPHRASE_BYTES_MAX + " bytes"),
                        "Put the passphrase into its first line");
            }
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, end));
            char[] passphrase = Arrays.copyOf(text.array(), text.length());
            Arrays.fill(text.array(), '\0');
            return passphrase;
        } catch (CharacterCodingException e) {
            throw new KeyException("The passphrase file " + file + " is not UTF-8", "Write it as UTF-8", e);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }
}
