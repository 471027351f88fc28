package dev.dray.blob;

import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;

/// Makes the directory of a new repository.
final class RootDirectory {
    /// What an empty file system may hold at its top.
    private static final String LOST_AND_FOUND = "lost+found";

    private RootDirectory() {}

    static void create(Path root) throws UsageException, MachineException {
        try {
            Path existing = root.toAbsolutePath();
            while (existing.getParent() != null && !Files.exists(existing)) {
                existing = existing.getParent();
            }
            Files.createDirectories(
                    root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            refuseContent(root);
            syncUpTo(existing, root.toAbsolutePath());
        } catch (FileAlreadyExistsException e) {
            throw new UsageException(
                    e.getFile() + " exists and is not a directory", "Name a directory that is empty or absent", e);
        } catch (SysException e) {
            throw StoreFailure.of("make", "the directory", root.toString(), e);
        } catch (IOException e) {
            throw new MachineException(
                    "Could not make the directory " + root + ": " + e, "Name a directory that Dray may write", e);
        }
    }

    private static void refuseContent(Path root) throws IOException, UsageException {
        try (Stream<Path> entries = Files.list(root)) {
            if (entries.anyMatch(entry -> !entry.endsWith(LOST_AND_FOUND))) {
                throw new UsageException(
                        "The directory " + root + " is not empty", "Name a directory that is empty or absent");
            }
        }
    }

    /// Syncs every directory that got a new entry.
    private static void syncUpTo(Path existing, Path made) throws SysException {
        for (Path path = made; path != null && !path.equals(existing); path = path.getParent()) {
            Path parent = path.getParent();
            if (parent != null) {
                try (Fd fd = OpenFile.open(parent, OpenFile.O_RDONLY, 0)) {
                    FileIo.fsync(fd);
                }
            }
        }
    }
}
