package dev.dray;

import dev.dray.error.MachineException;
import dev.dray.linux.Signals;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/// Goes on behind the user's back: a guest that was restored lazily needs this process after the user has stopped
/// waiting for it. The launcher has started this process as a child, and leaves when it is told to.
public final class Background {
    /// The process that has started this one and waits for it, if there is such a one.
    public static final String LAUNCHER = "dray.launcher";

    private static final String SUFFIX = ".log";
    private static final Duration KEPT = Duration.ofDays(7);

    private Background() {}

    /// Where this process writes from now on what it has to say. Whoever was told of it has a week to read it, once the
    /// process has ended.
    public static Path log() throws MachineException {
        Path directory = StateDirectory.open().directory("log");
        removeOld(directory, Instant.now().minus(KEPT));
        return directory.resolve(ProcessHandle.current().pid() + SUFFIX);
    }

    /// Removes the logs of processes that are gone, last written before `limit`.
    static void removeOld(Path directory, Instant limit) {
        try (var logs = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path log : logs) {
                if (!isInUse(log) && Files.getLastModifiedTime(log).toInstant().isBefore(limit)) {
                    Files.deleteIfExists(log);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Logs that stay cost a few bytes.
        }
    }

    private static boolean isInUse(Path log) {
        String name = log.getFileName().toString();
        try {
            long pid = Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
            return ProcessHandle.of(pid).isPresent();
        } catch (NumberFormatException e) {
            return true; // not ours
        }
    }

    /// Tells the launcher that nobody has to wait any more.
    ///
    /// @return false if there is none that waits
    public static boolean leave() {
        long launcher = Long.getLong(LAUNCHER, 0);
        boolean waits = ProcessHandle.current()
                .parent()
                .filter(parent -> parent.pid() == launcher)
                .isPresent();
        if (!waits) {
            return false; // it was killed, and its number may be another's by now
        }
        try {
            Signals.kill(Math.toIntExact(launcher), Signals.SIGUSR1);
            return true;
        } catch (SysException e) {
            return false;
        }
    }
}
