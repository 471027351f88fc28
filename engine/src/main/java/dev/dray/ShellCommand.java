package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.linux.Signals;
import dev.dray.linux.SysException;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// A command of the user's for `sh -c`. It does not inherit Dray's secrets, its output is bounded, and it is
/// killed with all that it started at its time limit.
///
/// @param what what it is for, to begin messages with: `The key command`
/// @param ownGroup in a session and process group of its own, so that a Ctrl-C for Dray does not reach it and a
///     kill reaches all of it; without, it may ask on the terminal
/// @param environment variables to add
record ShellCommand(String what, String command, Duration limit, boolean ownGroup, Map<String, String> environment) {
    /// Keys are a hundred bytes, lists of disk snapshots some thousand.
    private static final int OUTPUT_BYTES_MAX = 64 * 1024;

    private static final long POLL_MS = 20;

    /// @param output what it wrote to standard output
    record Result(int status, String output) {}

    /// Whether a variable of this name holds, or leads to, a secret of Dray's.
    static boolean isSecret(String variable) {
        return variable.equals("DRAY_PASSPHRASE") || variable.startsWith("DRAY_KEY");
    }

    /// Runs it to its end. Standard error goes where Dray's goes, standard input is empty.
    Result run(BooleanSupplier cancelled) throws DrayException {
        Process process = start();
        var output = new ByteArrayOutputStream();
        Thread reader = Thread.ofPlatform().daemon().name("output of " + what).start(() -> copy(process, output));
        try {
            await(process, cancelled);
            reader.join(Duration.ofSeconds(1)); // a grandchild may hold the pipe open; what was written is there
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation(what + " was interrupted", "", e);
        } finally {
            kill(process);
        }
        synchronized (output) {
            if (output.size() > OUTPUT_BYTES_MAX) {
                throw new MachineException(
                        what + " printed more than " + OUTPUT_BYTES_MAX + " bytes", "Let it print less");
            }
            return new Result(process.exitValue(), output.toString(StandardCharsets.UTF_8));
        }
    }

    private Process start() throws MachineException {
        var arguments = new ArrayList<>(List.of("sh", "-c", command));
        if (ownGroup) {
            arguments.addFirst("setsid"); // it execs: the process keeps its id and leads its new group
        }
        var builder = new ProcessBuilder(arguments)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().keySet().removeIf(ShellCommand::isSecret);
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new MachineException(what + " cannot be started: " + e.getMessage(), "", e);
        }
    }

    private void await(Process process, BooleanSupplier cancelled) throws InterruptedException, DrayException {
        long end = System.nanoTime() + limit.toNanos();
        while (!process.waitFor(POLL_MS, TimeUnit.MILLISECONDS)) {
            if (cancelled.getAsBoolean()) {
                throw new InterruptedOperation(what + " was interrupted", "");
            }
            if (System.nanoTime() - end > 0) {
                throw new MachineException(what + " did not end within " + limit.toSeconds() + " s and was killed", "");
            }
        }
    }

    private void kill(Process process) {
        if (ownGroup) {
            try {
                Signals.killGroup(Math.toIntExact(process.pid()), Signals.SIGKILL);
            } catch (SysException e) {
                throw new IllegalStateException(e); // a group of our own can always be killed
            }
        } else {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
        }
        process.destroyForcibly();
    }

    private static void copy(Process process, ByteArrayOutputStream output) {
        var buffer = new byte[4096];
        try (InputStream in = process.getInputStream()) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                synchronized (output) {
                    if (output.size() <= OUTPUT_BYTES_MAX) {
                        output.write(buffer, 0, n);
                    }
                }
            }
        } catch (IOException e) {
            // The pipe was closed under us by kill(): what was read so far counts.
        }
    }
}
