package dev.dray.machine;

import dev.dray.machine.guest.SerialPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// The other end of the guest's serial port as a unix socket: what a client writes is typed. What the guest
/// prints is in its report only.
final class SerialSocket implements AutoCloseable {
    private final Path path;
    private final SerialPort port;
    private final ServerSocketChannel server;

    /// Listens when this returns.
    SerialSocket(Path path, SerialPort port) {
        this.path = path;
        this.port = port;
        try {
            Files.deleteIfExists(path);
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen at " + path, e);
        }
        Thread.ofVirtual().name("serial").start(this::serve);
    }

    private void serve() {
        ByteBuffer typed = ByteBuffer.allocate(64);
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                while (client.read(typed.clear()) >= 0) {
                    port.type(StandardCharsets.ISO_8859_1.decode(typed.flip()).toString());
                }
            } catch (IOException _) {
                // This client has gone, or the socket was closed.
            }
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
