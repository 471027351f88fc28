package dev.dray.cli;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/// Asks for a passphrase on the terminal, whatever stdin and stdout are. Reads through a channel, so that a signal
/// can end the wait.
final class TerminalPrompt {
    private static final Path TERMINAL = Path.of("/dev/tty");

    private static final int ANSWER_BYTES_MAX = 1024;

    private TerminalPrompt() {}

    /// @return empty if there is no terminal, or the user gave up
    static Optional<char[]> ask(String question) {
        try (FileChannel in = FileChannel.open(TERMINAL, StandardOpenOption.READ);
                FileChannel out = FileChannel.open(TERMINAL, StandardOpenOption.WRITE)) {
            out.write(StandardCharsets.UTF_8.encode(question + ": "));
            boolean hidden = stty("-echo");
            try {
                return hidden ? line(in) : Optional.empty();
            } finally {
                stty("echo");
                newLine();
            }
        } catch (IOException e) {
            return Optional.empty(); // no terminal, or a signal closed the channel: either way nobody answers
        }
    }

    private static Optional<char[]> line(FileChannel in) throws IOException {
        var bytes = ByteBuffer.allocate(ANSWER_BYTES_MAX);
        try {
            while (bytes.hasRemaining() && in.read(bytes) > 0) {
                int last = bytes.position() - 1;
                if (bytes.get(last) == '\n') {
                    return Optional.of(text(bytes.flip().limit(last)));
                }
            }
            return Optional.empty();
        } finally {
            Arrays.fill(bytes.array(), (byte) 0);
        }
    }

    private static char[] text(ByteBuffer bytes) throws CharacterCodingException {
        CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(bytes);
        char[] text = Arrays.copyOf(decoded.array(), decoded.length());
        Arrays.fill(decoded.array(), '\0');
        return text;
    }

    /// The channel may be closed by an interrupt, so the line ends through one of its own.
    private static void newLine() {
        boolean interrupted = Thread.interrupted(); // else no channel can be used
        try (FileChannel out = FileChannel.open(TERMINAL, StandardOpenOption.WRITE)) {
            out.write(StandardCharsets.UTF_8.encode("\n"));
        } catch (IOException e) {
            // Only a line end.
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean stty(String setting) {
        boolean interrupted = Thread.interrupted();
        try {
            var builder = new ProcessBuilder("stty", setting)
                    .redirectInput(new File(TERMINAL.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.environment().keySet().removeIf(name -> name.startsWith("DRAY_"));
            return builder.start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            interrupted = true;
            return false;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
