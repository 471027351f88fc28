package dev.dray.machine.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/// A guest's serial port: what it prints is kept, and written to a file if there is one; what is typed waits for it.
public final class SerialPort implements AutoCloseable {
    /// Typed characters that can wait; more are lost, as on a real port.
    private static final int TYPED_MAX = 64;

    private final StringBuilder printed = new StringBuilder();
    private final BlockingQueue<Character> typed = new LinkedBlockingQueue<>(TYPED_MAX);
    private final @Nullable Writer file;

    /// @param file receives each line at once; appended to if it exists
    public SerialPort(Optional<Path> file) {
        try {
            this.file = file.isEmpty()
                    ? null
                    : Files.newBufferedWriter(
                            file.get(),
                            StandardCharsets.ISO_8859_1,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the report " + file.orElseThrow(), e);
        }
    }

    synchronized void print(String line) {
        printed.append(line).append('\n');
        if (file != null) {
            try {
                file.write(line + "\n");
                file.flush();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot write the report", e);
            }
        }
    }

    /// What the guest has reported.
    public synchronized GuestReport report() {
        return GuestReport.parse(printed.toString());
    }

    /// Types characters, each of them a command: see [BareMetalGuest].
    public void type(String characters) {
        characters.chars().forEach(c -> {
            boolean _ = typed.offer((char) c);
        });
    }

    Optional<Character> read() {
        return Optional.ofNullable(typed.poll());
    }

    @Override
    public synchronized void close() {
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot close the report", e);
            }
        }
    }
}
