package dev.dray.blob;

import dev.dray.linux.Directory;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.nio.file.Path;
import java.util.HexFormat;
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
    /// Kinds whose directories this process has made durable, whoever made them.
    private final Set<String> durableKinds = ConcurrentHashMap.newKeySet();

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

    /// Makes the directories of a kind and their entries durable. All at once, since a sync for each new one of
    /// 256 would cost more.
    void prepare(String kind) throws SysException {
        if (durableKinds.contains(kind)) {
            return;
        }
        synchronized (durableKinds) {
            makeIfAbsent(root, kind);
            if (kind.equals(FANNED_OUT)) {
                try (Fd directory = OpenFile.openAt(root, kind, DIRECTORY_FLAGS, 0)) {
                    for (int i = 0; i < FAN_OUT_COUNT; i++) {
                        makeIfAbsent(directory, HexFormat.of().toHexDigits((byte) i));
                    }
                    FileIo.fsync(directory);
                }
            }
            FileIo.fsync(root);
            durableKinds.add(kind);
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
