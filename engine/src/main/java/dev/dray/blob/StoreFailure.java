package dev.dray.blob;

import dev.dray.error.MachineException;
import dev.dray.linux.Errno;
import dev.dray.linux.SysException;

/// What a failed system call means to whoever owns the directory.
final class StoreFailure {
    private StoreFailure() {}

    /// @param doing a verb: `write`, `read`, `list`, `delete`
    /// @param what an object's name, or a kind
    static MachineException of(String doing, String what, String place, SysException e) {
        String could = "Could not " + doing + " " + what + " in " + place + ": ";
        return switch (e.errno()) {
            case Errno.ENOSPC ->
                new MachineException(
                        could + "no space is left on the device",
                        "Free space there, or use another repository; what was stored before is not harmed",
                        e);
            case Errno.EDQUOT ->
                new MachineException(
                        could + "the disk quota is used up",
                        "Raise the quota, or free space; what was stored before is not harmed",
                        e);
            case Errno.EROFS -> new MachineException(could + "the file system is read-only", "Mount it for writing", e);
            case Errno.EACCES, Errno.EPERM ->
                new MachineException(could + "permission denied", "Run Dray as the user who owns the repository", e);
            case Errno.EMFILE, Errno.ENFILE ->
                new MachineException(could + "too many open files", "Raise the limit of open files (ulimit -n)", e);
            case Errno.ELOOP, Errno.ENOTDIR ->
                new MachineException(
                        could + "a symbolic link or another file stands where a directory or an object belongs",
                        "Remove it; Dray follows no symbolic links inside a repository",
                        e);
            case Errno.EIO ->
                new MachineException(could + "the disk failed", "See the kernel's log, and check the disk", e);
            default -> new MachineException(could + e.getMessage(), "", e);
        };
    }
}
