package dev.dray.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every number that Java tells the kernel, against the C headers: as read by a person, and as a compiler sees
/// them where there is one.
class ConstantsTest {
    /// A constant expression of C, its value, and where it is defined.
    ///
    /// @param onAmd64 the value in the headers for x86-64
    /// @param ours what the code uses on this machine
    record Constant(String expression, long onAmd64, long ours, String header) {}

    static Stream<Constant> constants() {
        return Stream.of(
                new Constant("CLOCK_BOOTTIME", 7, BootClock.CLOCK_BOOTTIME, "time.h"),
                new Constant("EPERM", 1, Errno.EPERM, "errno.h"),
                new Constant("ENOENT", 2, Errno.ENOENT, "errno.h"),
                new Constant("ESRCH", 3, Errno.ESRCH, "errno.h"),
                new Constant("EINTR", 4, Errno.EINTR, "errno.h"),
                new Constant("EIO", 5, Errno.EIO, "errno.h"),
                new Constant("EBADF", 9, Errno.EBADF, "errno.h"),
                new Constant("EAGAIN", 11, Errno.EAGAIN, "errno.h"),
                new Constant("EWOULDBLOCK", 11, Errno.EAGAIN, "errno.h"),
                new Constant("ENOMEM", 12, Errno.ENOMEM, "errno.h"),
                new Constant("EACCES", 13, Errno.EACCES, "errno.h"),
                new Constant("EEXIST", 17, Errno.EEXIST, "errno.h"),
                new Constant("ENOTDIR", 20, Errno.ENOTDIR, "errno.h"),
                new Constant("EISDIR", 21, Errno.EISDIR, "errno.h"),
                new Constant("EINVAL", 22, Errno.EINVAL, "errno.h"),
                new Constant("ENFILE", 23, Errno.ENFILE, "errno.h"),
                new Constant("EMFILE", 24, Errno.EMFILE, "errno.h"),
                new Constant("EFBIG", 27, Errno.EFBIG, "errno.h"),
                new Constant("ENOSPC", 28, Errno.ENOSPC, "errno.h"),
                new Constant("EROFS", 30, Errno.EROFS, "errno.h"),
                new Constant("EMLINK", 31, Errno.EMLINK, "errno.h"),
                new Constant("ENAMETOOLONG", 36, Errno.ENAMETOOLONG, "errno.h"),
                new Constant("ENOSYS", 38, Errno.ENOSYS, "errno.h"),
                new Constant("ELOOP", 40, Errno.ELOOP, "errno.h"),
                new Constant("EOPNOTSUPP", 95, Errno.EOPNOTSUPP, "errno.h"),
                new Constant("ESTALE", 116, Errno.ESTALE, "errno.h"),
                new Constant("EDQUOT", 122, Errno.EDQUOT, "errno.h"),
                new Constant("ENXIO", 6, Errno.ENXIO, "errno.h"),
                new Constant("EFAULT", 14, Errno.EFAULT, "errno.h"),
                new Constant("ENODEV", 19, Errno.ENODEV, "errno.h"),
                new Constant("EPIPE", 32, Errno.EPIPE, "errno.h"),
                new Constant("EMSGSIZE", 90, Errno.EMSGSIZE, "errno.h"),
                new Constant("EADDRINUSE", 98, Errno.EADDRINUSE, "errno.h"),
                new Constant("EADDRNOTAVAIL", 99, Errno.EADDRNOTAVAIL, "errno.h"),
                new Constant("ECONNABORTED", 103, Errno.ECONNABORTED, "errno.h"),
                new Constant("ECONNRESET", 104, Errno.ECONNRESET, "errno.h"),
                new Constant("ENOTCONN", 107, Errno.ENOTCONN, "errno.h"),
                new Constant("ETIMEDOUT", 110, Errno.ETIMEDOUT, "errno.h"),
                new Constant("ECONNREFUSED", 111, Errno.ECONNREFUSED, "errno.h"),
                new Constant("EHOSTUNREACH", 113, Errno.EHOSTUNREACH, "errno.h"),
                new Constant("EINPROGRESS", 115, Errno.EINPROGRESS, "errno.h"),
                new Constant("O_RDONLY", 0, OpenFile.O_RDONLY, "fcntl.h"),
                new Constant("O_WRONLY", 1, OpenFile.O_WRONLY, "fcntl.h"),
                new Constant("O_RDWR", 2, OpenFile.O_RDWR, "fcntl.h"),
                new Constant("O_CREAT", 0x40, OpenFile.O_CREAT, "fcntl.h"),
                new Constant("O_EXCL", 0x80, OpenFile.O_EXCL, "fcntl.h"),
                new Constant("O_NONBLOCK", 0x800, OpenFile.O_NONBLOCK, "fcntl.h"),
                new Constant("O_CLOEXEC", 0x80000, OpenFile.O_CLOEXEC, "fcntl.h"),
                new Constant("O_DIRECT", 0x4000, OpenFile.O_DIRECT, "fcntl.h"),
                new Constant("O_DIRECTORY", 0x10000, OpenFile.O_DIRECTORY, "fcntl.h"),
                new Constant("O_NOFOLLOW", 0x20000, OpenFile.O_NOFOLLOW, "fcntl.h"),
                new Constant("AT_FDCWD", -100, OpenFile.AT_FDCWD, "fcntl.h"),
                new Constant("F_GETFL", 3, OpenFile.F_GETFL, "fcntl.h"),
                new Constant("F_SETFL", 4, OpenFile.F_SETFL, "fcntl.h"),
                new Constant("AT_SYMLINK_NOFOLLOW", 0x100, Statx.AT_SYMLINK_NOFOLLOW, "fcntl.h"),
                new Constant("AT_EMPTY_PATH", 0x1000, Statx.AT_EMPTY_PATH, "fcntl.h"),
                new Constant("O_TMPFILE", 0x410000, OpenFile.O_TMPFILE, "fcntl.h"),
                new Constant("AT_SYMLINK_FOLLOW", 0x400, Directory.AT_SYMLINK_FOLLOW, "fcntl.h"),
                new Constant("RENAME_NOREPLACE", 1, Directory.RENAME_NOREPLACE, "stdio.h"),
                new Constant("LOCK_EX", 2, FileIo.LOCK_EX, "sys/file.h"),
                new Constant("LOCK_NB", 4, FileIo.LOCK_NB, "sys/file.h"),
                new Constant("PROT_READ", 1, Mmap.PROT_READ, "sys/mman.h"),
                new Constant("PROT_WRITE", 2, Mmap.PROT_WRITE, "sys/mman.h"),
                new Constant("MAP_SHARED", 1, Mmap.MAP_SHARED, "sys/mman.h"),
                new Constant("MAP_PRIVATE", 2, Mmap.MAP_PRIVATE, "sys/mman.h"),
                new Constant("MAP_ANONYMOUS", 0x20, Mmap.MAP_ANONYMOUS, "sys/mman.h"),
                new Constant("MFD_CLOEXEC", 1, Memfd.MFD_CLOEXEC, "sys/mman.h"),
                new Constant("sizeof(struct statx)", 256, Statx.STRUCT_BYTES, "sys/stat.h"),
                new Constant("offsetof(struct statx, stx_mode)", 28, Statx.STX_MODE_OFFSET, "sys/stat.h"),
                new Constant("sizeof(((struct statx *) 0)->stx_mode)", 2, Short.BYTES, "sys/stat.h"),
                new Constant("offsetof(struct statx, stx_size)", 40, Statx.STX_SIZE_OFFSET, "sys/stat.h"),
                new Constant("sizeof(((struct statx *) 0)->stx_size)", 8, Long.BYTES, "sys/stat.h"),
                new Constant("STATX_TYPE", 1, Statx.STATX_TYPE, "sys/stat.h"),
                new Constant("STATX_MODE", 2, Statx.STATX_MODE, "sys/stat.h"),
                new Constant("STATX_SIZE", 0x200, Statx.STATX_SIZE, "sys/stat.h"),
                new Constant("S_IFMT", 0xF000, Statx.S_IFMT, "sys/stat.h"),
                new Constant("S_IFREG", 0x8000, Statx.S_IFREG, "sys/stat.h"),
                new Constant("S_IFDIR", 0x4000, Statx.S_IFDIR, "sys/stat.h"),
                new Constant("S_IFLNK", 0xA000, Statx.S_IFLNK, "sys/stat.h"),
                new Constant("RLIMIT_CORE", 4, ProcessLimits.RLIMIT_CORE, "sys/resource.h"),
                new Constant("sizeof(struct rlimit)", 16, ProcessLimits.RLIMIT_STRUCT_BYTES, "sys/resource.h"),
                new Constant("PR_SET_DUMPABLE", 4, ProcessLimits.PR_SET_DUMPABLE, "sys/prctl.h"),
                new Constant("SIGINT", 2, Signals.SIGINT, "signal.h"),
                new Constant("SIGKILL", 9, Signals.SIGKILL, "signal.h"),
                new Constant("SIGTERM", 15, Signals.SIGTERM, "signal.h"),
                new Constant("SYS_userfaultfd", 323, Userfaultfd.SYS_USERFAULTFD, "sys/syscall.h"),
                new Constant("MFD_HUGETLB", 4, Memfd.MFD_HUGETLB, "sys/mman.h"),
                new Constant("MFD_HUGE_SHIFT", 26, Memfd.MFD_HUGE_SHIFT, "linux/memfd.h"),
                new Constant("AF_UNIX", 1, SocketAddress.AF_UNIX, "sys/socket.h"),
                new Constant("AF_INET", 2, SocketAddress.AF_INET, "sys/socket.h"),
                new Constant("AF_INET6", 10, SocketAddress.AF_INET6, "sys/socket.h"),
                new Constant("offsetof(struct sockaddr_un, sun_path)", 2, SocketAddress.SUN_PATH_OFFSET, "sys/un.h"),
                new Constant(
                        "sizeof(((struct sockaddr_un *) 0)->sun_path)", 108, SocketAddress.SUN_PATH_BYTES, "sys/un.h"),
                new Constant("sizeof(struct sockaddr_in)", 16, SocketAddress.SOCKADDR_IN_BYTES, "netinet/in.h"),
                new Constant("sizeof(struct sockaddr_in6)", 28, SocketAddress.SOCKADDR_IN6_BYTES, "netinet/in.h"),
                new Constant("offsetof(struct sockaddr_in, sin_port)", 2, SocketAddress.PORT_OFFSET, "netinet/in.h"),
                new Constant("offsetof(struct sockaddr_in6, sin6_port)", 2, SocketAddress.PORT_OFFSET, "netinet/in.h"),
                new Constant(
                        "offsetof(struct sockaddr_in, sin_addr)", 4, SocketAddress.SIN_ADDR_OFFSET, "netinet/in.h"),
                new Constant(
                        "offsetof(struct sockaddr_in6, sin6_addr)", 8, SocketAddress.SIN6_ADDR_OFFSET, "netinet/in.h"),
                new Constant(
                        "offsetof(struct sockaddr_in6, sin6_scope_id)",
                        24,
                        SocketAddress.SIN6_SCOPE_ID_OFFSET,
                        "netinet/in.h"),
                new Constant("SOCK_STREAM", 1, Socket.SOCK_STREAM, "sys/socket.h"),
                new Constant("SOCK_NONBLOCK", 0x800, Socket.SOCK_NONBLOCK, "sys/socket.h"),
                new Constant("SOCK_CLOEXEC", 0x80000, Socket.SOCK_CLOEXEC, "sys/socket.h"),
                new Constant("SHUT_RDWR", 2, Socket.SHUT_RDWR, "sys/socket.h"),
                new Constant("SOL_SOCKET", 1, SocketOption.SOL_SOCKET, "sys/socket.h"),
                new Constant("SO_REUSEADDR", 2, SocketOption.SO_REUSEADDR, "sys/socket.h"),
                new Constant("SO_ERROR", 4, SocketOption.SO_ERROR, "sys/socket.h"),
                new Constant("SO_KEEPALIVE", 9, SocketOption.SO_KEEPALIVE, "sys/socket.h"),
                new Constant("IPPROTO_TCP", 6, SocketOption.IPPROTO_TCP, "netinet/in.h"),
                new Constant("TCP_NODELAY", 1, SocketOption.TCP_NODELAY, "netinet/tcp.h"),
                new Constant("TCP_KEEPIDLE", 4, SocketOption.TCP_KEEPIDLE, "netinet/tcp.h"),
                new Constant("TCP_KEEPINTVL", 5, SocketOption.TCP_KEEPINTVL, "netinet/tcp.h"),
                new Constant("TCP_KEEPCNT", 6, SocketOption.TCP_KEEPCNT, "netinet/tcp.h"),
                new Constant("TCP_QUICKACK", 12, SocketOption.TCP_QUICKACK, "netinet/tcp.h"),
                new Constant("TCP_USER_TIMEOUT", 18, SocketOption.TCP_USER_TIMEOUT, "netinet/tcp.h"),
                new Constant("MSG_DONTWAIT", 0x40, SocketIo.MSG_DONTWAIT, "sys/socket.h"),
                new Constant("MSG_NOSIGNAL", 0x4000, SocketIo.MSG_NOSIGNAL, "sys/socket.h"),
                new Constant("SCM_RIGHTS", 1, SocketMessage.SCM_RIGHTS, "sys/socket.h"),
                new Constant("MSG_CTRUNC", 8, SocketMessage.MSG_CTRUNC, "sys/socket.h"),
                new Constant("MSG_CMSG_CLOEXEC", 0x40000000, SocketMessage.MSG_CMSG_CLOEXEC, "sys/socket.h"),
                new Constant("sizeof(struct msghdr)", 56, SocketMessage.MSGHDR_BYTES, "sys/socket.h"),
                new Constant("offsetof(struct msghdr, msg_iov)", 16, SocketMessage.MSG_IOV_OFFSET, "sys/socket.h"),
                new Constant(
                        "offsetof(struct msghdr, msg_iovlen)", 24, SocketMessage.MSG_IOVLEN_OFFSET, "sys/socket.h"),
                new Constant(
                        "offsetof(struct msghdr, msg_control)", 32, SocketMessage.MSG_CONTROL_OFFSET, "sys/socket.h"),
                new Constant(
                        "offsetof(struct msghdr, msg_controllen)",
                        40,
                        SocketMessage.MSG_CONTROLLEN_OFFSET,
                        "sys/socket.h"),
                new Constant("offsetof(struct msghdr, msg_flags)", 48, SocketMessage.MSG_FLAGS_OFFSET, "sys/socket.h"),
                new Constant("sizeof(struct iovec)", 16, SocketMessage.IOVEC_BYTES, "sys/uio.h"),
                new Constant("sizeof(struct cmsghdr)", 16, SocketMessage.CMSGHDR_BYTES, "sys/socket.h"),
                new Constant(
                        "offsetof(struct cmsghdr, cmsg_level)", 8, SocketMessage.CMSG_LEVEL_OFFSET, "sys/socket.h"),
                new Constant("offsetof(struct cmsghdr, cmsg_type)", 12, SocketMessage.CMSG_TYPE_OFFSET, "sys/socket.h"),
                new Constant("CMSG_ALIGN(1)", 8, SocketMessage.CONTROL_ALIGNMENT, "sys/socket.h"),
                new Constant("POLLIN", 1, Poll.POLLIN, "poll.h"),
                new Constant("POLLOUT", 4, Poll.POLLOUT, "poll.h"),
                new Constant("POLLERR", 8, Poll.POLLERR, "poll.h"),
                new Constant("POLLHUP", 0x10, Poll.POLLHUP, "poll.h"),
                new Constant("sizeof(struct pollfd)", 8, Poll.POLLFD_BYTES, "poll.h"),
                new Constant("offsetof(struct pollfd, events)", 4, Poll.EVENTS_OFFSET, "poll.h"),
                new Constant("offsetof(struct pollfd, revents)", 6, Poll.REVENTS_OFFSET, "poll.h"),
                new Constant("SEEK_DATA", 3, Lseek.SEEK_DATA, "unistd.h"),
                new Constant("SEEK_HOLE", 4, Lseek.SEEK_HOLE, "unistd.h"),
                new Constant("FALLOC_FL_KEEP_SIZE", 1, Fallocate.FALLOC_FL_KEEP_SIZE, "fcntl.h"),
                new Constant("FALLOC_FL_PUNCH_HOLE", 2, Fallocate.FALLOC_FL_PUNCH_HOLE, "fcntl.h"),
                // What the shapes of the downcalls assume.
                new Constant("sizeof(off_t)", 8, Long.BYTES, "sys/types.h"),
                new Constant("sizeof(size_t)", 8, Long.BYTES, "stddef.h"),
                new Constant("sizeof(void *)", 8, Long.BYTES, "stddef.h"),
                new Constant("sizeof(pid_t)", 4, Integer.BYTES, "sys/types.h"),
                new Constant("sizeof(mode_t)", 4, Integer.BYTES, "sys/types.h"));
    }

    @ParameterizedTest
    @MethodSource("constants")
    void hasTheHeadersValue(Constant constant) {
        Assumptions.assumeTrue(System.getProperty("os.arch").equals("amd64"), "The values are those of x86-64");
        assertThat(constant.ours).as(constant.expression).isEqualTo(constant.onAmd64);
    }

    @Test
    void agreesWithTheCompiler(@TempDir Path directory) throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "No C compiler on this machine");
        List<Constant> constants = constants().toList();
        String includes = constants.stream()
                .map(constant -> "#include <" + constant.header + ">\n")
                .distinct()
                .collect(Collectors.joining());
        String prints = constants.stream()
                .map(constant -> "    printf(\"%ld\\n\", (long) (" + constant.expression + "));\n")
                .collect(Collectors.joining());
        Path source = directory.resolve("constants.c");
        Files.writeString(
                source,
                "#define _GNU_SOURCE\n#include <stddef.h>\n" + includes + "int main(void) {\n" + prints + "}\n");
        Path program = directory.resolve("constants");
        assertThat(lines("/usr/bin/gcc", "-o", program.toString(), source.toString()))
                .isEmpty();
        List<String> values = lines(program.toString());
        assertThat(values).hasSameSizeAs(constants);
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < constants.size(); i++) {
            if (Long.parseLong(values.get(i)) != constants.get(i).ours) {
                wrong.add(constants.get(i) + ", the compiler says " + values.get(i));
            }
        }
        assertThat(wrong).isEmpty();
    }

    private static List<String> lines(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        byte[] output = process.getInputStream().readAllBytes();
        process.waitFor();
        return new String(output, StandardCharsets.UTF_8).lines().toList();
    }
}
