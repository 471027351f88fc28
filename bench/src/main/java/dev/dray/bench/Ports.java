package dev.dray.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Future;

/// TCP ports of this host.
final class Ports {
    private Ports() {}

    static InetSocketAddress local(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /// One that nobody has.
    static int free() throws IOException {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(local(0));
            return socket.getLocalPort();
        }
    }

    /// Waits until somebody listens who is not to be done before; who tried to connect would be taken for a peer.
    static void awaitListener(int port, Future<?> who) throws Exception {
        String local = String.format(Locale.ROOT, ":%04X 00000000:0000 0A", port);
        ChMachine.await("a listener at " + port, () -> {
            try {
                return who.isDone()
                        || Files.readString(Path.of("/proc/net/tcp")).contains(local);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        if (who.isDone()) {
            throw new IOException("nobody listens: " + who.get());
        }
    }
}
