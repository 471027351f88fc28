package dev.dray.machine.cloudhypervisor;

import dev.dray.linux.Fd;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

/// Where a migration goes or comes from: `unix:PATH` or `tcp:HOST:PORT`.
sealed interface Place {
    /// As many as the standard library of the real one lets wait.
    int BACKLOG = 128;

    int CONNECT_TIMEOUT_MS = 10_000;

    record Unix(Path path) implements Place {}

    record Tcp(String host, int port) implements Place {}

    static Optional<Place> parse(String url) {
        if (url.startsWith("unix:")) {
            return Optional.of(new Unix(Path.of(url.substring("unix:".length()))));
        }
        int colon = url.lastIndexOf(':');
        if (!url.startsWith("tcp:") || colon < "tcp:".length()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Tcp(
                    url.substring("tcp:".length(), colon).replaceAll("[\\[\\]]", ""),
                    Integer.parseInt(url.substring(colon + 1))));
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }

    default Fd connect() throws SysException {
        return switch (this) {
            case Unix(Path path) -> Socket.connectUnix(path, CONNECT_TIMEOUT_MS);
            case Tcp(String host, int port) -> Socket.connectTcp(new InetSocketAddress(host, port), CONNECT_TIMEOUT_MS);
        };
    }

    default Fd listen() throws SysException {
        return switch (this) {
            case Unix(Path path) -> Socket.listenUnix(path, BACKLOG);
            case Tcp(String host, int port) -> Socket.listenTcp(new InetSocketAddress(host, port), BACKLOG);
        };
    }
}
