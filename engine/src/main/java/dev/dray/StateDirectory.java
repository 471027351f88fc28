package dev.dray;

import dev.dray.error.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The directory for what must survive a kill of Dray on this host: journals, remembered heads. It is
/// `$XDG_STATE_HOME/dray`; without that variable `/var/lib/dray` for root and `~/.local/state/dray` for
/// others. Only its owner can enter it, and it holds no secrets.
final class StateDirectory {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private final Path path;

    private StateDirectory(Path path) {
        this.path = path;
    }

    /// The directory of this process's user; made if it is missing.
    static StateDirectory open() throws MachineException {
        String given = System.getProperty("dray.state"); // the demo, which leaves nothing behind
        if (given != null) {
            return open(Path.of(given));
        }
        return open(place(System.getenv(), isRoot(), System.getProperty("user.home", "/")));
    }

    static StateDirectory open(Path path) throws MachineException {
        try {
            makeOwnerOnly(path);
        } catch (IOException e) {
            throw new MachineException(
                    "Cannot use " + path + " to remember state: " + e.getMessage(),
                    "Make it writable, or set XDG_STATE_HOME to a directory that is",
                    e);
        }
        return new StateDirectory(path);
    }

    static Path place(Map<String, String> environment, boolean root, String home) {
        @Nullable String xdg = environment.get("XDG_STATE_HOME");
        if (xdg != null && xdg.startsWith("/")) { // the XDG specification has relative paths ignored
            return Path.of(xdg, "dray");
        }
        return root ? Path.of("/var/lib/dray") : Path.of(home, ".local", "state", "dray");
    }

    Path path() {
        return path;
    }

    /// A directory inside it, mode 0700; made if it is missing.
    Path directory(String name) throws MachineException {
        return open(path.resolve(name)).path;
    }

    private static void makeOwnerOnly(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            Path parent = path.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            try {
                Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            } catch (java.nio.file.FileAlreadyExistsException e) {
                if (!Files.isDirectory(path)) {
                    throw e;
                }
            }
        }
        if (!Files.getPosixFilePermissions(path).equals(OWNER_ONLY)) {
            Files.setPosixFilePermissions(path, OWNER_ONLY);
        }
    }

    /// Not the owner of `/proc/self`: that is root for every process whose core dumps are off.
    private static boolean isRoot() {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.anyMatch(line -> line.matches("Uid:\\s+\\d+\\s+0\\s.*"));
        } catch (IOException e) {
            return "root".equals(System.getProperty("user.name"));
        }
    }
}
