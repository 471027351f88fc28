package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/// `userfaultfd(2)`: only whether this process may use it.
public final class Userfaultfd {
    static final int SYS_USERFAULTFD = Native.perArch(323, 282);

    private static final MethodHandle SYSCALL =
            Native.variadicCall("syscall", 1, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private Userfaultfd() {}

    /// Whether the kernel lets this process handle faults that happen inside system calls, which a VMM needs:
    /// by the system call (root, `CAP_SYS_PTRACE`, or `vm.unprivileged_userfaultfd`), or by `/dev/userfaultfd`.
    public static boolean permitted() {
        return bySystemCall() || byDevice();
    }

    private static boolean bySystemCall() {
        MemorySegment capture = Native.capture();
        long result;
        try {
            result = Native.result(
                    (long) SYSCALL.invokeExact(capture, (long) SYS_USERFAULTFD, (long) OpenFile.O_CLOEXEC), capture);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
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
