package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// The user's command that prints a key, run by `sh -c`. It does not inherit Dray's own secrets, what it may print
/// is bounded, and it is killed with its children at its time limit. It may ask on the terminal, so it stays in
/// Dray's session.
final class KeyCommandProcess {
    /// Somebody may have to find the token to touch.
    static final Duration TIME_LIMIT = Duration.ofMinutes(2);

    /// A key is one short line.
    static final int OUTPUT_BYTES_MAX = 4096;

    private static final long POLL_MS = 20;

    private KeyCommandProcess() {}

    /// What the command prints on standard output. Its standard error is Dray's, its standard input is empty.
    static String output(String command, Duration limit, BooleanSupplier cancelled) throws DrayException {
        Process process = start(command);
        try {
            var output = new Output(process.getInputStream());
            Thread reader = Thread.ofPlatform().daemon().name("key command").start(output);
            await(process, limit, cancelled);
            reader.join(Duration.ofSeconds(1)); // a grandchild may hold the pipe open; what was printed is here
            if (process.exitValue() != 0) {
                throw new KeyException(
                        "The key command failed with exit code " + process.exitValue(),
                        "See what it printed on stderr");
            }
            return output.text();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation("Stopped while the key command ran", "", e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /// Whether a variable of this name holds, or leads to, a secret of Dray's.
    static boolean isSecret(String variable) {
        return variable.equals("DRAY_PASSPHRASE") || variable.startsWith("DRAY_KEY");
    }

    private static Process start(String command) throws MachineException {
        var builder = new ProcessBuilder("sh", "-c", command)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().keySet().removeIf(KeyCommandProcess::isSecret);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new MachineException("The key command cannot be started: " + e.getMessage(), "", e);
        }
    }

    private static void await(Process process, Duration limit, BooleanSupplier cancelled)
            throws InterruptedException, DrayException {
        long end = System.nanoTime() + limit.toNanos();
        while (!process.waitFor(POLL_MS, TimeUnit.MILLISECONDS)) {
            if (cancelled.getAsBoolean()) {
                throw new InterruptedOperation("Stopped while the key command ran", "");
            }
            if (System.nanoTime() - end > 0) {
                throw new KeyException(
                        "The key command did not end within " + limit.toSeconds() + " s and was killed",
                        "Make it faster");
            }
        }
    }

    /// Reads all that the command prints, so that it is not held up, and keeps the beginning.
    private static final class Output implements Runnable {
        private final InputStream from;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
        private long bytes;

        Output(InputStream from) {
            this.from = from;
        }

        @Override
        public void run() {
            var chunk = new byte[OUTPUT_BYTES_MAX];
            try {
                for (int n = from.read(chunk); n >= 0; n = from.read(chunk)) {
                    keep(chunk, n);
                }
            } catch (IOException e) {
                // The command was killed; what it printed before counts.
            }
        }

        private synchronized void keep(byte[] chunk, int n) {
            bytes += n;
            kept.write(chunk, 0, Math.min(n, OUTPUT_BYTES_MAX - kept.size()));
        }

        synchronized String text() throws KeyException {
            if (bytes > OUTPUT_BYTES_MAX) {
                throw new KeyException(
                        "The key command printed more than " + OUTPUT_BYTES_MAX + " bytes",
                        "Let it print the content of a key file and nothing else");
            }
            return kept.toString(StandardCharsets.ISO_8859_1);
        }
    }
}
