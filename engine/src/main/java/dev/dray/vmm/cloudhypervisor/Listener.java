package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;

/// Waits for the connections of one migration. A unix socket's file is removed again.
public final class Listener implements AutoCloseable {
    /// Connections that wait to be accepted: all that a migration opens, at once.
    private static final int BACKLOG = WireLimits.CONNECTIONS_MAX + 1;

    /// How long a connection may take to say what it is for, as the real VMM has it for all but the first.
    private static final Duration SILENCE_MAX = Duration.ofSeconds(10);

    private final Endpoint endpoint;
    private final Optional<SSLContext> tls;
    private final Fd fd;
    private final Duration silenceMax;
    private final BooleanSupplier cancelled;

    private Listener(
            Endpoint endpoint, Optional<SSLContext> tls, Fd fd, Duration silenceMax, BooleanSupplier cancelled) {
        this.endpoint = endpoint;
        this.tls = tls;
        this.fd = fd;
        this.silenceMax = silenceMax;
        this.cancelled = cancelled;
    }

    /// @param cancelled ends all waits of its connections
    public static Listener listen(Endpoint endpoint, BooleanSupplier cancelled)
            throws MachineException, RefusedException {
        return listen(endpoint, SILENCE_MAX, cancelled);
    }

    /// @param silenceMax how long a connection may take to say what it is for
    static Listener listen(Endpoint endpoint, Duration silenceMax, BooleanSupplier cancelled)
            throws MachineException, RefusedException {
        try {
            return switch (endpoint) {
                case Endpoint.Unix unix ->
                    new Listener(
                            unix, Optional.empty(), Socket.listenUnix(unix.path(), BACKLOG), silenceMax, cancelled);
                case Endpoint.Tcp tcp -> listen(tcp, Optional.empty(), silenceMax, cancelled);
                case Endpoint.Tls(var tcp, var directory) ->
                    listen(tcp, Optional.of(TlsFiles.read(directory, "server")), silenceMax, cancelled);
            };
        } catch (SysException e) {
            throw new MachineException(
                    "Dray cannot listen on " + endpoint + ": " + e.getMessage(),
                    e.errno() == Errno.ENOENT ? "make the directory of the socket first" : Sockets.wayOut(e),
                    e);
        }
    }

    private static Listener listen(
            Endpoint.Tcp tcp, Optional<SSLContext> tls, Duration silenceMax, BooleanSupplier cancelled)
            throws SysException, MachineException {
        Fd fd = Socket.listenTcp(Sockets.resolve(tcp), BACKLOG);
        return new Listener(new Endpoint.Tcp(tcp.host(), Socket.localPort(fd)), tls, fd, silenceMax, cancelled);
    }

    /// Where to connect to; the port is the real one.
    public Endpoint endpoint() {
        return endpoint;
    }

    /// How long a connection may take to say what it is for.
    Duration silenceMax() {
        return silenceMax;
    }

    /// Waits until a connection waits to be accepted, but not longer than this.
    public void await(int timeoutMs) throws MachineException {
        try {
            Poll.wait(fd, Poll.POLLIN, timeoutMs);
        } catch (SysException e) {
            throw new MachineException("Dray cannot wait for a connection: " + e.getMessage(), "", e);
        }
    }

    /// The next connection, or empty if none comes within this time.
    public Optional<Connection> accept(int timeoutMs) throws MachineException {
        await(timeoutMs);
        return accept();
    }

    /// The next connection, if one waits.
    public Optional<Connection> accept() throws MachineException {
        try {
            boolean tcp = endpoint instanceof Endpoint.Tcp;
            Fd accepted = Socket.accept(fd);
            try {
                if (tcp) {
                    Sockets.keepAlive(accepted);
                }
            } catch (SysException e) {
                accepted.close();
                throw e;
            }
            var connection = new SocketConnection(accepted, tcp, cancelled);
            return Optional.of(tls.isPresent() ? TlsConnection.server(connection, tls.get()) : connection);
        } catch (SysException e) {
            if (e.errno() == Errno.EAGAIN) {
                return Optional.empty();
            }
            throw new MachineException("Dray cannot accept a connection: " + e.getMessage(), Sockets.wayOut(e), e);
        }
    }

    @Override
    public void close() {
        fd.close();
        if (endpoint instanceof Endpoint.Unix(var path)) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // A socket file stays behind; the next one to listen there is told.
            }
        }
    }
}
