package dev.dray.vmm.qemu;

import dev.dray.error.MachineException;
import dev.dray.vmm.PrivateDirectory;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A unix socket, or pipe, in a directory of its own that is QEMU's user's in the end.
final class PrivateSocket implements AutoCloseable {
    private final PrivateDirectory directory;
    private final Path path;
    private @Nullable ServerSocketChannel server;

    private PrivateSocket(PrivateDirectory directory) {
        this.directory = directory;
        this.path = directory.path().resolve("stream");
    }

    static PrivateSocket beside(Path controlSocket) throws MachineException {
        return new PrivateSocket(PrivateDirectory.beside(controlSocket));
    }

    /// Lets QEMU make the socket.
    void handOver() throws MachineException {
        directory.handOver();
    }

    /// Listens; QEMU is told the path to connect to.
    ServerSocketChannel listen() throws MachineException {
        try {
            var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server = channel;
            channel.bind(UnixDomainSocketAddress.of(path), 16);
            directory.handOver();
            return channel;
        } catch (IOException e) {
            throw new MachineException("No socket can be made at " + path + ": " + e.getMessage(), "", e);
        }
    }

    /// Makes a pipe in the socket's place; QEMU is told its address.
    DrainingPipe pipe() throws MachineException {
        DrainingPipe pipe = DrainingPipe.at(path);
        try {
            directory.handOver();
            return pipe;
        } catch (MachineException e) {
            try {
                pipe.close();
            } catch (IOException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    Path path() {
        return path;
    }

    /// The address as QEMU writes it.
    String uri() {
        return "unix:" + path;
    }

    @Override
    public void close() {
        try {
            if (server != null) {
                server.close();
            }
        } catch (IOException e) {
            // Nobody connects any more all the same.
        }
        directory.close();
    }
}
