package dev.dray.vmm;

import dev.dray.error.MachineException;
import dev.dray.linux.Directory;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;

/// A directory for sockets, mode 0700, that belongs to the user who owns a VMM's control socket, so that a VMM
/// that does not run as root can reach them and nobody else can. It is given to that user last: from then on he
/// can put anything in a socket's place, and what Dray did to the path as root would be done to that: it is cleared
/// through its descriptor.
///
/// That descriptor is locked as long as Dray uses the directory, and the kernel unlocks it when Dray is killed. So the
/// next Dray knows what nobody uses any more, and removes it.
public final class PrivateDirectory implements AutoCloseable {
    private static final String PREFIX = "dray-sockets-";

    private static final int DIRECTORY_FLAGS = OpenFile.O_RDONLY | OpenFile.O_DIRECTORY | OpenFile.O_NOFOLLOW;

    /// One that is younger may be somebody's who has not locked it yet.
    private static final Duration LEFTOVER_AGE_MIN = Duration.ofMinutes(1);

    private final Path controlSocket;
    private final Path path;
    private final Fd locked;
    private boolean closed;

    private PrivateDirectory(Path controlSocket, Path path, Fd locked) {
        this.controlSocket = controlSocket;
        this.path = path;
        this.locked = locked;
    }

    public static PrivateDirectory beside(Path controlSocket) throws MachineException {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        try {
            UserPrincipal owner = Files.getOwner(controlSocket);
            boolean reachable = runtime != null
                    && Files.isWritable(Path.of(runtime))
                    && Files.getOwner(Path.of(runtime)).equals(owner);
            Path parent = reachable ? Path.of(runtime) : Path.of("/tmp");
            removeLeftovers(parent);
            Path directory = Files.createTempDirectory(
                    parent, PREFIX, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Fd locked = OpenFile.open(directory, DIRECTORY_FLAGS, 0);
            boolean _ = FileIo.flockExclusiveNonBlocking(locked);
            return new PrivateDirectory(controlSocket, directory, locked);
        } catch (IOException | SysException e) {
            throw new MachineException(
                    "No directory for a socket can be made: " + e.getMessage(),
                    "see whether XDG_RUNTIME_DIR or /tmp can be written",
                    e);
        }
    }

    private static void removeLeftovers(Path parent) {
        Instant young = Instant.now().minus(LEFTOVER_AGE_MIN);
        try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path each : found) {
                try (Fd directory = OpenFile.open(each, DIRECTORY_FLAGS, 0)) {
                    if (Files.getLastModifiedTime(each, LinkOption.NOFOLLOW_LINKS)
                                    .toInstant()
                                    .isBefore(young)
                            && FileIo.flockExclusiveNonBlocking(directory)) {
                        remove(each, directory);
                    }
                } catch (IOException | SysException e) {
                    // Another user's, or no directory: not ours to remove.
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // A directory that cannot be listed may still be written.
        }
    }

    private static void remove(Path path, Fd directory) throws IOException, SysException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd/" + directory.number()))) {
            for (Path file : files.toList()) {
                Directory.unlink(directory, String.valueOf(file.getFileName()));
            }
        }
        Files.deleteIfExists(path);
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
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (locked) {
            remove(path, locked);
        } catch (IOException | SysException e) {
            // A directory stays behind; nothing depends on it.
        }
    }
}
