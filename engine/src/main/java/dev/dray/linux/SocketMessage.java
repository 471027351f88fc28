package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// `sendmsg(2)` and `recvmsg(2)` on unix sockets, for bytes that carry one open file (`SCM_RIGHTS` of `unix(7)`).
///
/// The kernel ties a descriptor to the bytes it was sent with. A plain read of those bytes drops it, so a reader
/// must stop exactly before them.
public final class SocketMessage {
    static final int MSGHDR_BYTES = 56;
    static final int MSG_IOV_OFFSET = 16;
    static final int MSG_IOVLEN_OFFSET = 24;
    static final int MSG_CONTROL_OFFSET = 32;
    static final int MSG_CONTROLLEN_OFFSET = 40;
    static final int MSG_FLAGS_OFFSET = 48;
    static final int IOVEC_BYTES = 16;
    static final int CMSGHDR_BYTES = 16;
    static final int CMSG_LEVEL_OFFSET = 8;
    static final int CMSG_TYPE_OFFSET = 12;
    static final int SCM_RIGHTS = 1;
    static final int MSG_CTRUNC = 8;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;
    static final int CONTROL_ALIGNMENT = 8;

    /// Room for more descriptors than the one that is allowed, so that surplus ones are seen and closed.
    private static final int CONTROL_BYTES = CMSGHDR_BYTES + 62 * Integer.BYTES;

    private static final CFunction SENDMSG = CFunction.of("sendmsg");
    private static final CFunction RECVMSG = CFunction.of("recvmsg");

    /// What arrived: 0 bytes at the end of the stream.
    ///
    /// @param descriptor the caller's to close
    public record Received(long bytes, Optional<Fd> descriptor) {}

    private SocketMessage() {}

    /// Sends the bytes in one message, together with a duplicate of the descriptor; returns how many bytes went.
    /// Bytes left over are sent without it.
    public static long send(Fd fd, long address, long bytes, Fd descriptor) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(CMSGHDR_BYTES + CONTROL_ALIGNMENT, CONTROL_ALIGNMENT);
            control.set(JAVA_LONG, 0, CMSGHDR_BYTES + Integer.BYTES);
            control.set(JAVA_INT, CMSG_LEVEL_OFFSET, SocketOption.SOL_SOCKET);
            control.set(JAVA_INT, CMSG_TYPE_OFFSET, SCM_RIGHTS);
            control.set(JAVA_INT, CMSGHDR_BYTES, descriptor.number());
            MemorySegment message = message(arena, address, bytes, control);
            long result;
            do {
                result = SENDMSG.longOrErrno(fd.number(), message.address(), SocketIo.MSG_NOSIGNAL, 0, 0, 0);
            } while (result == -Errno.EINTR);
            Native.check(result, "sendmsg", fd + ", " + bytes + " bytes with " + descriptor);
            return result;
        }
    }

    /// Waits for bytes, and for the descriptor that came with them.
    ///
    /// @throws SysException with EMSGSIZE if more than one came, or more than this process may open; all are closed
    public static Received receive(Fd fd, long address, long bytes) throws SysException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(CONTROL_BYTES, CONTROL_ALIGNMENT);
            MemorySegment message = message(arena, address, bytes, control);
            long result;
            do {
                result = RECVMSG.longOrErrno(fd.number(), message.address(), MSG_CMSG_CLOEXEC, 0, 0, 0);
            } while (result == -Errno.EINTR);
            Native.check(result, "recvmsg", fd + ", " + bytes + " bytes");
            List<Fd> descriptors = descriptors(control, message.get(JAVA_LONG, MSG_CONTROLLEN_OFFSET));
            boolean cut = (message.get(JAVA_INT, MSG_FLAGS_OFFSET) & MSG_CTRUNC) != 0;
            if (cut || descriptors.size() > 1) {
                descriptors.forEach(Fd::close);
                throw new SysException("recvmsg", Errno.EMSGSIZE, fd + ", too many descriptors");
            }
            return new Received(result, descriptors.stream().findFirst());
        }
    }

    private static MemorySegment message(Arena arena, long address, long bytes, MemorySegment control) {
        MemorySegment vector = arena.allocate(IOVEC_BYTES, Long.BYTES);
        vector.set(JAVA_LONG, 0, address);
        vector.set(JAVA_LONG, Long.BYTES, bytes);
        MemorySegment message = arena.allocate(MSGHDR_BYTES, Long.BYTES);
        message.set(JAVA_LONG, MSG_IOV_OFFSET, vector.address());
        message.set(JAVA_LONG, MSG_IOVLEN_OFFSET, 1);
        message.set(JAVA_LONG, MSG_CONTROL_OFFSET, control.address());
        message.set(JAVA_LONG, MSG_CONTROLLEN_OFFSET, control.byteSize());
        return message;
    }

    private static List<Fd> descriptors(MemorySegment control, long controlBytes) {
        List<Fd> found = new ArrayList<>();
        long at = 0;
        while (at + CMSGHDR_BYTES <= controlBytes) {
            long bytes = control.get(JAVA_LONG, at);
            if (bytes < CMSGHDR_BYTES) {
                break;
            }
            if (control.get(JAVA_INT, at + CMSG_LEVEL_OFFSET) == SocketOption.SOL_SOCKET
                    && control.get(JAVA_INT, at + CMSG_TYPE_OFFSET) == SCM_RIGHTS) {
                for (long i = CMSGHDR_BYTES; i + Integer.BYTES <= bytes; i += Integer.BYTES) {
                    found.add(Fd.of(control.get(JAVA_INT, at + i)));
                }
            }
            at += (bytes + CONTROL_ALIGNMENT - 1) & -CONTROL_ALIGNMENT;
        }
        return found;
    }
}
