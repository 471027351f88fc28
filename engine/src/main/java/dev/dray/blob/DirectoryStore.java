package dev.dray.blob;

import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.linux.Directory;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Statx;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Objects as files of a directory; see [DirectoryTree] for where, [ObjectFile] for how they are made.
///
/// Files of packs stay open for a while after they were read. One that another process deletes may then be read
/// for some time yet, which harms nobody, since no two packs ever have one name; other kinds are opened anew.
public final class DirectoryStore implements BlobStore {
    private static final String PACKS_PREFIX = DirectoryTree.FANNED_OUT + "/";

    private final Path root;
    private final DirectoryTree tree;
    private final OpenObjects packs = new OpenObjects(this::openObject);

    private DirectoryStore(Path root) throws SysException {
        this.root = root;
        this.tree = new DirectoryTree(root);
    }

    /// Opens a directory that exists.
    ///
    /// @throws UsageException if there is no such directory
    public static DirectoryStore open(Path root) throws UsageException, MachineException {
        try {
            return new DirectoryStore(root);
        } catch (SysException e) {
            if (e.errno() == Errno.ENOENT) {
                throw new UsageException(
                        "There is no directory " + root, "Name a repository, or make one with `dray init`", e);
            }
            if (e.errno() == Errno.ENOTDIR) {
                throw new UsageException(root + " is not a directory", "Name the repository's directory", e);
            }
            throw StoreFailure.of("open", "the repository", root.toString(), e);
        }
    }

    /// Makes the directory, and those above it; one that exists must be empty.
    ///
    /// @throws UsageException if it is not empty, or not a directory
    public static DirectoryStore create(Path root) throws UsageException, MachineException {
        RootDirectory.create(root);
        return open(root);
    }

    @Override
    public void put(String name, MemorySegment bytes) throws MachineException {
        BlobName.check(name);
        if (!bytes.isNative() || bytes.byteSize() == 0) {
            throw new IllegalArgumentException("An object is made of at least one byte of native memory: " + name);
        }
        try {
            tree.prepare(name);
            try (Fd directory = tree.directoryOf(name)) {
                ObjectFile.create(directory, DirectoryTree.file(name), bytes);
            }
        } catch (SysException e) {
            if (e.errno() == Errno.EEXIST) {
                throw new MachineException(
                        name + " exists already in " + root, "Try again: Dray never overwrites an object", e);
            }
            throw StoreFailure.of("write", name + " (" + bytes.byteSize() + " bytes)", place(), e);
        }
    }

    @Override
    public long read(String name, long offset, MemorySegment into) throws MachineException {
        BlobName.check(name);
        if (!into.isNative() || offset < 0) {
            throw new IllegalArgumentException("Reads into native memory, at offset " + offset + " of " + name);
        }
        try {
            if (name.startsWith(PACKS_PREFIX)) {
                OpenObjects.OpenObject object = packs.use(name);
                if (object == null) {
                    return -1;
                }
                try {
                    return readAll(object.fd(), offset, into);
                } finally {
                    object.release();
                }
            }
            Fd opened = openObject(name);
            if (opened == null) {
                return -1;
            }
            try (Fd fd = opened) {
                return readAll(fd, offset, into);
            }
        } catch (SysException e) {
            throw StoreFailure.of("read", name, place(), e);
        }
    }

    private static long readAll(Fd fd, long offset, MemorySegment into) throws SysException {
        long bytes = into.byteSize();
        long done = 0;
        while (done < bytes) {
            long read = FileIo.pread(fd, into.address() + done, bytes - done, offset + done);
            if (read == 0) {
                break;
            }
            done += read;
        }
        return done;
    }

    private @Nullable Fd openObject(String name) throws SysException {
        // Not blocking, should someone have put a named pipe here.
        int flags = OpenFile.O_RDONLY | OpenFile.O_NOFOLLOW | OpenFile.O_NONBLOCK;
        try (Fd directory = tree.directoryOf(name)) {
            Fd fd = OpenFile.openAt(directory, DirectoryTree.file(name), flags, 0);
            if (!Statx.of(fd).isRegularFile()) {
                fd.close();
                throw new SysException("open", Errno.ENOTDIR, name);
            }
            return fd;
        } catch (SysException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    @Override
    public Optional<Long> size(String name) throws MachineException {
        BlobName.check(name);
        try (Fd directory = tree.directoryOf(name)) {
            Statx found = Statx.of(directory, DirectoryTree.file(name));
            if (!found.isRegularFile()) {
                throw new SysException("statx", Errno.ENOTDIR, name);
            }
            return Optional.of(found.bytes());
        } catch (SysException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw StoreFailure.of("read", name, place(), e);
        }
    }

    @Override
    public void list(String kind, Consumer<Entry> each) throws MachineException {
        BlobName.checkKind(kind);
        tree.checkOpen();
        try {
            DirectoryListing.list(root, kind, each);
        } catch (IOException e) {
            throw new MachineException(
                    "Could not list " + kind + " in " + place() + ": " + e.getMessage(),
                    "Run Dray as the user who owns the repository",
                    e);
        }
    }

    @Override
    public void delete(String name) throws MachineException {
        BlobName.check(name);
        try (Fd directory = tree.directoryOf(name)) {
            Directory.unlink(directory, DirectoryTree.file(name));
        } catch (SysException e) {
            if (e.errno() != Errno.ENOENT) {
                throw StoreFailure.of("delete", name, place(), e);
            }
        } finally {
            packs.forget(name);
        }
    }

    @Override
    public String place() {
        return root.toString();
    }

    /// How many files are kept open, for tests.
    int openCount() {
        return packs.openCount();
    }

    @Override
    public void close() {
        packs.close();
        tree.close();
    }
}
