package dev.dray.linux;

import java.nio.file.Path;

/// `userfaultfd(2)`: only whether this process may use it.
public final class Userfaultfd {
    static final int SYS_USERFAULTFD = Native.perArch(323, 282);

    private static final CFunction SYSCALL = CFunction.of("syscall");

    private Userfaultfd() {}

    /// Whether the kernel lets this process handle faults that happen inside system calls, which a VMM needs:
    /// by the system call (root, `CAP_SYS_PTRACE`, or `vm.unprivileged_userfaultfd`), or by `/dev/userfaultfd`.
    public static boolean permitted() {
        return bySystemCall() || byDevice();
    }

    private static boolean bySystemCall() {
        long result = SYSCALL.longOrErrno(SYS_USERFAULTFD, OpenFile.O_CLOEXEC, 0, 0, 0, 0);
        if (result < 0) {
            return false;
        }
        Fd.of((int) result).close();
        return true;
    }

    private static boolean byDevice() {
        try (Fd fd = OpenFile.open(Path.of("/dev/userfaultfd"), OpenFile.O_RDWR, 0)) {
            return fd.number() >= 0;
        } catch (SysException e) {
            return false;
        }
    }
}
