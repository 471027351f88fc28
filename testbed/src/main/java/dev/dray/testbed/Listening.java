package dev.dray.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// Waits until somebody listens, as the kernel tells (proc_pid_net(5)). A connection would tell too, but the first one
/// that comes may be taken for a migration; and a socket's file is there before anybody listens behind it.
public final class Listening {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final String ACCEPTS = "00010000";
    private static final String TCP_LISTEN = "0A";

    private Listening() {}

    /// @param socket as it was given to who listens there
    public static void await(Path socket) throws IOException, InterruptedException {
        await(socket, "/proc/net/unix", row -> row.length == 8 && row[7].equals(socket.toString()) && isOpen(row));
    }

    private static boolean isOpen(String[] row) {
        return row[3].equals(ACCEPTS);
    }

    /// @param port of 127.0.0.1
    public static void await(int port) throws IOException, InterruptedException {
        String address = String.format(Locale.ROOT, "0100007F:%04X", port);
        await(port, "/proc/net/tcp", row -> row[1].equals(address) && row[3].equals(TCP_LISTEN));
    }

    private static void await(Object place, String table, Predicate<String[]> which)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!isThere(table, which)) {
            if (System.nanoTime() - end > 0) {
                throw new IOException("nobody listens at " + place);
            }
            Thread.sleep(5);
        }
    }

    private static boolean isThere(String table, Predicate<String[]> which) throws IOException {
        try (Stream<String> rows = Files.lines(Path.of(table))) {
            return rows.skip(1).map(row -> row.strip().split("\\s+")).anyMatch(which);
        }
    }
}
