package dev.dray.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// What a command sees of the world, so that tests can give it another.
///
/// @param terminal whether `err` is a terminal
/// @param prompt asks for a passphrase; empty if there is no terminal to ask on
/// @param stop how a signal asks to stop
/// @param leave gives the streams back; what is still to say goes into a file
/// @param startNanos when the process began, as [System#nanoTime()] counts
record Surroundings(
        InputStream in,
        PrintStream out,
        PrintStream err,
        Map<String, String> environment,
        boolean terminal,
        Prompt prompt,
        Stop stop,
        Consumer<Path> leave,
        long startNanos) {
    /// Asks without echo.
    @FunctionalInterface
    interface Prompt {
        Optional<char[]> ask(String question);
    }

    /// Signals that ask this process to stop.
    interface Stop {
        /// Whether the operation is to end.
        boolean isRequested();

        /// From now on it is not: a guest needs this process. Whoever asks is told so by `farewell`, which is run once.
        void serveOn(Runnable farewell);

        /// Nobody asks.
        static Stop never() {
            return new Stop() {
                @Override
                public boolean isRequested() {
                    return false;
                }

                @Override
                public void serveOn(Runnable farewell) {}
            };
        }
    }

    static Surroundings ofProcess(Streams streams, Stop stop) {
        return new Surroundings(
                Channels.newInputStream(new FileInputStream(FileDescriptor.in).getChannel()), // a signal can end a wait
                streams.out(),
                streams.err(),
                System.getenv(),
                isTerminal(2),
                TerminalPrompt::ask,
                stop,
                log -> leave(streams, log),
                System.nanoTime() - ageNanos());
    }

    /// Nothing to read, no variables, nobody to ask.
    static Surroundings ofTraining(PrintStream out, PrintStream err) {
        return new Surroundings(
                InputStream.nullInputStream(),
                out,
                err,
                Map.of(),
                false,
                _ -> Optional.empty(),
                Stop.never(),
                _ -> {},
                System.nanoTime());
    }

    private static void leave(Streams streams, Path log) {
        try {
            streams.giveBack(log);
        } catch (IOException e) {
            streams.err().println("dray: " + log + " cannot be written: " + e.getMessage());
        }
    }

    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /// How old this process is, to a hundredth of a second: the JVM's start belongs to the command's time.
    /// `/proc/self/stat` has the start in ticks of 10 ms since boot, `/proc/uptime` the time since boot.
    private static long ageNanos() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            String uptime = Files.readString(Path.of("/proc/uptime"));
            double startSeconds = Long.parseLong(fields[19]) / 100.0;
            double nowSeconds = Double.parseDouble(uptime.substring(0, uptime.indexOf(' ')));
            return Math.max(0, (long) ((nowSeconds - startSeconds) * 1e9));
        } catch (IOException | RuntimeException e) {
            return 0;
        }
    }
}
