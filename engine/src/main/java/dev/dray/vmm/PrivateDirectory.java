package dev.dray.vmm;

import dev.dray.error.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.stream.Stream;

/// A directory for sockets, mode 0700, that belongs to the user who owns a VMM's control socket, so that a VMM
/// that does not run as root can reach them and nobody else can. It is given to that user last: from then on he
/// can put anything in a socket's place, and what Dray did to the path as root would be done to that.
public final class PrivateDirectory implements AutoCloseable {
    private final Path controlSocket;
    private final Path path;

    private PrivateDirectory(Path controlSocket, Path path) {
        this.controlSocket = controlSocket;
        this.path = path;
    }

    public static PrivateDirectory beside(Path controlSocket) throws MachineException {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        try {
            UserPrincipal owner = Files.getOwner(controlSocket);
            boolean reachable = runtime != null
                    && Files.isWritable(Path.of(runtime))
                    && Files.getOwner(Path.of(runtime)).equals(owner);
            Path directory = Files.createTempDirectory(
                    reachable ? Path.of(runtime) : Path.of("/tmp"),
                    "dray-",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return new PrivateDirectory(controlSocket, directory);
        } catch (IOException e) {
            throw new MachineException(
                    "No directory for a socket can be made: " + e.getMessage(),
                    "see whether XDG_RUNTIME_DIR or /tmp can be written",
                    e);
        }
    }

    public Path path() {
        return path;
    }

    /// Gives what is in the directory, and then the directory, to the VMM's user.
    public void handOver() throws MachineException {
        try (Stream<Path> files = Files.list(path)) {
            for (Path file : files.toList()) {
                give(file);
            }
            give(path);
        } catch (IOException e) {
            throw new MachineException(
                    "The directory " + path + " cannot be given to the VMM's user: " + e.getMessage(),
                    "run Dray as that user, or as root",
                    e);
        }
    }

    private void give(Path file) throws IOException {
        UserPrincipal owner = Files.getOwner(controlSocket);
        if (!owner.equals(Files.getOwner(file))) {
            Files.setOwner(file, owner);
        }
    }

    @Override
    public void close() {
        try (Stream<Path> files = Files.list(path)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // A directory stays behind; nothing depends on it.
        }
    }
}
