package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;

/// Opens the connections of one migration to a Cloud Hypervisor that listens.
public final class Connector {
    private static final int TICK_MS = 20;

    private final Endpoint endpoint;
    private final BooleanSupplier cancelled;

    /// @param cancelled ends all waits of its connections
    public Connector(Endpoint endpoint, BooleanSupplier cancelled) {
        this.endpoint = endpoint;
        this.cancelled = cancelled;
    }

    /// Connects, waiting up to this time for the other side to listen. A connection that succeeds is the migration:
    /// nothing may be tried out with one. Under TLS the handshake is part of it, and of the time.
    public Connection connect(Duration patience) throws DrayException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                return open(Math.clamp((deadline - System.nanoTime()) / 1_000_000, 1, Integer.MAX_VALUE));
            } catch (SysException e) {
                boolean early = e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED;
                if (!early || System.nanoTime() - deadline >= 0) {
                    throw new PeerException(
                            "Dray cannot connect to " + endpoint + ": " + e.getMessage(), Sockets.wayOut(e), e);
                }
            }
            if (cancelled.getAsBoolean()) {
                throw new InterruptedOperation("Interrupted", "");
            }
            LockSupport.parkNanos(TICK_MS * 1_000_000L);
        }
    }

    private Connection open(int timeoutMs) throws SysException, DrayException {
        return switch (endpoint) {
            case Endpoint.Unix unix ->
                new SocketConnection(Socket.connectUnix(unix.path(), timeoutMs), false, cancelled);
            case Endpoint.Tcp tcp -> tcp(tcp, timeoutMs, cancelled);
            case Endpoint.Tls tls -> tls(tls, timeoutMs);
        };
    }

    private Connection tls(Endpoint.Tls to, int timeoutMs) throws SysException, DrayException {
        SSLContext context = TlsFiles.read(to.directory(), "client"); // before there is anything to close
        long deadline = System.nanoTime() + timeoutMs * 1_000_000L;
        var established = new AtomicBoolean();
        BooleanSupplier ends =
                () -> cancelled.getAsBoolean() || (!established.get() && System.nanoTime() - deadline > 0);
        TlsConnection connection = TlsConnection.client(tcp(to.at(), timeoutMs, ends), context, to.at());
        try {
            connection.establish();
            established.set(true);
            return connection;
        } catch (InterruptedOperation e) {
            connection.close();
            if (System.nanoTime() - deadline > 0) {
                throw new PeerException(
                        endpoint + " takes the connection, but leaves the TLS handshake unanswered",
                        "see whether a Cloud Hypervisor listens there, and with TLS",
                        e);
            }
            throw e;
        } catch (DrayException | RuntimeException | Error e) {
            connection.close();
            throw e;
        }
    }

    private static Connection tcp(Endpoint.Tcp to, int timeoutMs, BooleanSupplier cancelled)
            throws SysException, DrayException {
        Fd fd = Socket.connectTcp(Sockets.resolve(to), timeoutMs);
        try {
            SocketOption.noDelay(fd);
            Sockets.keepAlive(fd);
            return new SocketConnection(fd, true, cancelled);
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }
}
