package dev.dray.blob;

import dev.dray.linux.Directory;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.GetRandom;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Set;

/// Makes an object's file: first without a name; synced; then under its own, if that is free; then the directory is
/// synced. So a crash leaves nothing or the whole object. Where a file system knows no files without a name (NFS and
/// some others), it has a temporary one first, which no object can have, and a crash may leave that.
final class ObjectFile {
    /// Object names never start with a dot.
    static final String TEMPORARY_PREFIX = ".tmp-";

    private static final long DIRECT_ALIGNMENT_BYTES = 4096;
    /// Below this, going around the page cache gains nothing.
    private static final long DIRECT_BYTES_MIN = 1 << 20;

    private static final int MODE_OWNER_ONLY = 0600;

    /// Of a file system that has no files without a name; the second is what a kernel says that never heard of them.
    private static final Set<Integer> NO_UNNAMED = Set.of(Errno.EOPNOTSUPP, Errno.EISDIR, Errno.EINVAL);

    private ObjectFile() {}

    /// @throws SysException EEXIST if the name is taken
    static void create(Fd directory, String file, MemorySegment bytes) throws SysException {
        if (!createUnnamed(directory, file, bytes)) {
            createNamed(directory, file, bytes);
        }
        FileIo.fsync(directory);
    }

    /// @return false if this file system, or this system, cannot do it
    private static boolean createUnnamed(Fd directory, String file, MemorySegment bytes) throws SysException {
        Fd opened;
        try {
            opened = OpenFile.openAt(directory, ".", OpenFile.O_WRONLY | OpenFile.O_TMPFILE, MODE_OWNER_ONLY);
        } catch (SysException e) {
            if (NO_UNNAMED.contains(e.errno())) {
                return false;
            }
            throw e;
        }
        try (opened) {
            write(opened, bytes);
            if (!isLinked(opened, directory, file)) {
                return false;
            }
            FileIo.fsync(opened); // btrfs forgets what was synced of a file that had no name
            return true;
        }
    }

    /// @return false where that cannot be done, as without `/proc`
    /// @throws SysException EEXIST if the name is taken
    private static boolean isLinked(Fd opened, Fd directory, String file) throws SysException {
        try {
            Directory.linkOpen(opened, directory, file);
            return true;
        } catch (SysException e) {
            if (e.errno() == Errno.EEXIST) {
                throw e;
            }
            return false;
        }
    }

    static void createNamed(Fd directory, String file, MemorySegment bytes) throws SysException {
        String temporary = TEMPORARY_PREFIX + randomHex();
        int flags = OpenFile.O_WRONLY | OpenFile.O_CREAT | OpenFile.O_EXCL | OpenFile.O_NOFOLLOW;
        try {
            try (Fd opened = OpenFile.openAt(directory, temporary, flags, MODE_OWNER_ONLY)) {
                write(opened, bytes);
            }
            rename(directory, temporary, file);
        } catch (SysException e) {
            try {
                Directory.unlink(directory, temporary);
            } catch (SysException cleanup) {
                e.addSuppressed(cleanup); // a leftover, which readers ignore
            }
            throw e;
        }
    }

    private static void write(Fd file, MemorySegment bytes) throws SysException {
        long done = writeDirect(file, bytes);
        if (done < bytes.byteSize()) {
            FileIo.pwriteAll(file, bytes.address() + done, bytes.byteSize() - done, done);
        }
        FileIo.fdatasync(file);
    }

    /// Writes as much as can go around the page cache, which is faster and leaves the cache to others, in one call.
    ///
    /// @return the bytes written; the file is left in its usual mode
    private static long writeDirect(Fd file, MemorySegment bytes) throws SysException {
        if (bytes.address() % DIRECT_ALIGNMENT_BYTES != 0 || bytes.byteSize() < DIRECT_BYTES_MIN) {
            return 0;
        }
        long direct = bytes.byteSize() / DIRECT_ALIGNMENT_BYTES * DIRECT_ALIGNMENT_BYTES;
        // Not as a flag of open: that makes the file even where it then fails.
        if (!succeedsUnlessInvalid(() -> OpenFile.setDirect(file, true))) {
            return 0; // the file system has no such mode
        }
        boolean written = succeedsUnlessInvalid(() -> FileIo.pwriteAll(file, bytes.address(), direct, 0));
        OpenFile.setDirect(file, false);
        return written ? direct : 0; // it wants a larger alignment than a page: all again through the cache
    }

    private interface Call {
        void run() throws SysException;
    }

    private static boolean succeedsUnlessInvalid(Call call) throws SysException {
        try {
            call.run();
            return true;
        } catch (SysException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    private static void rename(Fd directory, String temporary, String file) throws SysException {
        try {
            Directory.renameNoReplace(directory, temporary, file);
        } catch (SysException e) {
            if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOSYS) {
                throw e;
            }
            renameByLink(directory, temporary, file);
        }
    }

    /// NFS and some others cannot rename so; they can link, which never replaces either.
    static void renameByLink(Fd directory, String temporary, String file) throws SysException {
        Directory.link(directory, temporary, file);
        Directory.unlink(directory, temporary);
    }

    private static String randomHex() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment random = arena.allocate(ValueLayout.JAVA_LONG);
            GetRandom.fill(random);
            return HexFormat.of().toHexDigits(random.get(ValueLayout.JAVA_LONG, 0));
        }
    }
}
