package dev.dray.vmm;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.linux.Signals;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// The user's command that runs while the guest stands still. It has a process group of its own, no
/// secret in its environment, and a time limit after which the whole group is killed, as it is when the
/// capture ends before. The first line that it prints is the id of the disks' state.
public final class Hook {
    /// How long the guest may stand still for it.
    public static final Duration TIME_LIMIT = Duration.ofSeconds(60);

    /// Longest id taken from it.
    static final int ID_BYTES_MAX = 1024;

    private Hook() {}

    /// @return the id, possibly empty
    public static String run(String command, String vm, Duration limit) throws DrayException {
        Process process;
        try {
            var builder = new ProcessBuilder(List.of("setsid", "-w", "sh", "-c", command));
            builder.environment().keySet().removeIf(Hook::isSecret);
            builder.environment().put("DRAY_VM", vm);
            builder.redirectError(ProcessBuilder.Redirect.INHERIT);
            builder.redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
            process = builder.start();
        } catch (IOException e) {
            throw new MachineException("The --on-pause command cannot be started: " + e.getMessage(), "", e);
        }
        try {
            var output = new Output(process.getInputStream());
            Thread.ofVirtual().start(output);
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new MachineException(
                        "The --on-pause command did not end within " + limit.toSeconds() + " s and was killed",
                        "make it faster: the guest stands still for it");
            }
            if (process.exitValue() != 0) {
                throw new MachineException(
                        "The --on-pause command failed with exit code " + process.exitValue(), "see what it printed");
            }
            return output.firstLine();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MachineException("Interrupted while the --on-pause command ran", "", e);
        } finally {
            if (process.isAlive()) {
                killGroup(process);
            }
        }
    }

    /// Dray's own secrets, and those of its object storage, are for no child process.
    static boolean isSecret(String variable) {
        String name = variable.toUpperCase(Locale.ROOT);
        return name.equals("DRAY_PASSPHRASE")
                || name.startsWith("DRAY_KEY")
                || name.startsWith("AWS_SECRET")
                || name.startsWith("AWS_SESSION");
    }

    /// Also those whose parents have ended: they are no descendants any more.
    private static void killGroup(Process process) {
        try {
            Signals.killGroup(Math.toIntExact(process.pid()), Signals.SIGKILL);
        } catch (SysException e) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
        }
        process.destroyForcibly();
    }

    /// Reads all that the command prints, keeps the beginning.
    private static final class Output implements Runnable {
        private final InputStream from;
        private final java.io.ByteArrayOutputStream kept = new java.io.ByteArrayOutputStream();
        private final java.util.concurrent.CountDownLatch ended = new java.util.concurrent.CountDownLatch(1);

        Output(InputStream from) {
            this.from = from;
        }

        @Override
        public void run() {
            var chunk = new byte[4096];
            try {
                for (int n = from.read(chunk); n >= 0; n = from.read(chunk)) {
                    synchronized (kept) {
                        kept.write(chunk, 0, Math.min(n, ID_BYTES_MAX - Math.min(ID_BYTES_MAX, kept.size())));
                    }
                }
            } catch (IOException e) {
                // The command is gone; what it printed before counts.
            } finally {
                ended.countDown();
            }
        }

        String firstLine() throws InterruptedException {
            // A child that outlives the command may hold the pipe open: do not wait for it for long.
            var _ = ended.await(500, TimeUnit.MILLISECONDS);
            synchronized (kept) {
                return kept.toString(StandardCharsets.UTF_8)
                        .lines()
                        .findFirst()
                        .orElse("")
                        .strip();
            }
        }
    }
}
