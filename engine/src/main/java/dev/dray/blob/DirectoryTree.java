package dev.dray.blob;

import dev.dray.linux.Directory;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Statx;
import dev.dray.linux.SysException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Where an object's file lies: `kind/rest`, and for packs `packs/xx/rest` with the first two digits of the rest,
/// since some file systems grow slow with many files in a directory.
///
/// Directories are opened one by one from the root's descriptor, and none through a symbolic link: who can write
/// into the repository cannot lead Dray out of it.
final class DirectoryTree implements AutoCloseable {
    static final String FANNED_OUT = "packs";

    private static final int FAN_OUT_COUNT = 256;
    private static final int FAN_OUT_CHARS = 2;
    private static final int MODE_OWNER_ONLY = 0700;
    private static final int DIRECTORY_FLAGS = OpenFile.O_RDONLY | OpenFile.O_DIRECTORY | OpenFile.O_NOFOLLOW;

    private final Fd root;
    /// Directories that are durable for certain: `kind`, and `packs/xx`.
    private final Set<String> durable = ConcurrentHashMap.newKeySet();

    DirectoryTree(Path root) throws SysException {
        this.root = OpenFile.open(root, OpenFile.O_RDONLY | OpenFile.O_DIRECTORY, 0);
    }

    static String kind(String name) {
        return name.substring(0, name.indexOf('/'));
    }

    /// The last part of the name, which is the file's.
    static String file(String name) {
        return name.substring(name.indexOf('/') + 1);
    }

    static String fanOut(String file) {
        return file.substring(0, FAN_OUT_CHARS);
    }

    /// The directory that holds or would hold the object.
    ///
    /// @throws SysException ENOENT if it does not exist
    Fd directoryOf(String name) throws SysException {
        String kind = kind(name);
        Fd directory = OpenFile.openAt(root, kind, DIRECTORY_FLAGS, 0);
        if (!kind.equals(FANNED_OUT)) {
            return directory;
        }
        try (directory) {
            return OpenFile.openAt(directory, fanOut(file(name)), DIRECTORY_FLAGS, 0);
        }
    }

    /// Makes the object's directories and their entries durable.
    ///
    /// A new directory costs milliseconds, so the 256 of packs are made as they are needed. Those that exist are
    /// synced once in a process, all together: whoever made them may have died before he did.
    void prepare(String name) throws SysException {
        String kind = kind(name);
        String fanOut = kind.equals(FANNED_OUT) ? fanOut(file(name)) : "";
        String path = fanOut.isEmpty() ? kind : kind + "/" + fanOut;
        if (durable.contains(path)) {
            return;
        }
        synchronized (durable) {
            if (!durable.contains(kind)) {
                prepareKind(kind);
            }
            if (!durable.contains(path)) {
                try (Fd directory = OpenFile.openAt(root, kind, DIRECTORY_FLAGS, 0)) {
                    makeIfAbsent(directory, fanOut);
                    FileIo.fsync(directory);
                }
                durable.add(path);
            }
        }
    }

    private void prepareKind(String kind) throws SysException {
        makeIfAbsent(root, kind);
        FileIo.fsync(root);
        if (kind.equals(FANNED_OUT)) {
            try (Fd directory = OpenFile.openAt(root, kind, DIRECTORY_FLAGS, 0)) {
                List<String> existing = new ArrayList<>();
                for (int i = 0; i < FAN_OUT_COUNT; i++) {
                    String fanOut = HexFormat.of().toHexDigits((byte) i);
                    if (exists(directory, fanOut)) {
                        existing.add(kind + "/" + fanOut);
                    }
                }
                FileIo.fsync(directory);
                durable.addAll(existing);
            }
        }
        durable.add(kind);
    }

    private static boolean exists(Fd directory, String name) throws SysException {
        try {
            Statx ignored = Statx.of(directory, name);
            return true;
        } catch (SysException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    private static void makeIfAbsent(Fd directory, String name) throws SysException {
        try {
            Directory.make(directory, name, MODE_OWNER_ONLY);
        } catch (SysException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
    }

    /// Throws if it was closed.
    void checkOpen() {
        int ignored = root.number();
    }

    @Override
    public void close() {
        root.close();
    }
}
