package dev.dray.machine.qemu;

import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Threads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A control socket. It serves one client at a time, as QEMU's does: a second one connects, and is greeted when the
/// first has hung up.
final class QmpServer implements AutoCloseable {
    private final Path socket;
    private final QmpCommands commands;
    private final Faults faults;
    private final Runnable death;
    private final ServerSocketChannel server;
    private final Thread thread;
    private volatile @Nullable QmpSession session;
    private volatile boolean closed;

    /// Listens when this returns.
    QmpServer(Path socket, QmpCommands commands, Faults faults, Runnable death) {
        this.socket = socket;
        this.commands = commands;
        this.faults = faults;
        this.death = death;
        try {
            Files.deleteIfExists(socket);
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket), 16);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen at " + socket, e);
        }
        thread = Thread.ofVirtual().name("qmp-" + socket.getFileName()).start(this::serve);
    }

    private void serve() {
        while (!closed) {
            try {
                SocketChannel channel = server.accept();
                QmpSession next = new QmpSession(channel, commands, faults, death);
                session = next;
                if (closed) {
                    next.close();
                }
                next.run();
            } catch (IOException _) {
                // Only the end of listening stops this.
            }
        }
    }

    void event(ObjectNode event) {
        QmpSession now = session;
        if (now != null) {
            now.event(event);
        }
    }

    /// Hangs up and listens no more.
    void cut() {
        closed = true;
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        QmpSession now = session;
        if (now != null) {
            now.close();
        }
    }

    @Override
    public void close() {
        cut();
        Threads.join(thread);
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
