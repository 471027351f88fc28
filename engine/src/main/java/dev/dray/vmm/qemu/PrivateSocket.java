package dev.dray.vmm.qemu;

import dev.dray.error.MachineException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import org.jspecify.annotations.Nullable;

/// A unix socket, or pipe, in a directory of its own, mode 0700, that belongs to the user who owns QEMU's
/// control socket, so that a QEMU that does not run as root can reach it and nobody else can. The
/// directory is given to that user last: from then on he can put anything in the socket's place, and
/// what Dray did to the path as root would be done to that.
final class PrivateSocket implements AutoCloseable {
    private final Path directory;
    private final Path path;
    private @Nullable ServerSocketChannel server;

    private PrivateSocket(Path directory) {
        this.directory = directory;
        this.path = directory.resolve("stream");
    }

    static PrivateSocket beside(Path controlSocket) throws MachineException {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        try {
            UserPrincipal owner = Files.getOwner(controlSocket);
            boolean reachable = runtime != null
                    && Files.isWritable(Path.of(runtime))
                    && Files.getOwner(Path.of(runtime)).equals(owner);
            Path parent = reachable ? Path.of(runtime) : Path.of("/tmp");
            Path directory = Files.createTempDirectory(
                    parent,
                    "dray-",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return new PrivateSocket(directory);
        } catch (IOException e) {
            throw new MachineException(
                    "No directory for a socket can be made: " + e.getMessage(),
                    "see whether XDG_RUNTIME_DIR or /tmp can be written",
                    e);
        }
    }

    /// Lets QEMU make the socket.
    void handOver(Path controlSocket) throws MachineException {
        try {
            give(directory, controlSocket);
        } catch (IOException e) {
            throw new MachineException(
                    "The directory " + directory + " cannot be given to QEMU's user: " + e.getMessage(),
                    "run Dray as that user, or as root",
                    e);
        }
    }

    private static void give(Path file, Path controlSocket) throws IOException {
        UserPrincipal owner = Files.getOwner(controlSocket);
        if (!owner.equals(Files.getOwner(file))) {
            Files.setOwner(file, owner);
        }
    }

    /// Listens; QEMU is told the path to connect to.
    ServerSocketChannel listen(Path controlSocket) throws MachineException {
        try {
            var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server = channel;
            channel.bind(UnixDomainSocketAddress.of(path), 16);
            give(path, controlSocket);
            give(directory, controlSocket);
            return channel;
        } catch (IOException e) {
            throw new MachineException("No socket can be made at " + path + ": " + e.getMessage(), "", e);
        }
    }

    /// Makes a pipe in the socket's place; QEMU is told its address.
    DrainingPipe pipe(Path controlSocket) throws MachineException {
        DrainingPipe pipe = DrainingPipe.at(path);
        try {
            give(path, controlSocket);
            give(directory, controlSocket);
            return pipe;
        } catch (IOException e) {
            try {
                pipe.close();
            } catch (IOException closing) {
                e.addSuppressed(closing);
            }
            throw new MachineException(
                    "The pipe " + path + " cannot be given to QEMU's user: " + e.getMessage(),
                    "run Dray as that user, or as root",
                    e);
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
            Files.deleteIfExists(path);
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            // An empty directory stays behind; nothing depends on it.
        }
    }
}
