package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/// Addresses as `unix(7)`, `ip(7)` and `ipv6(7)` have them. Ports and addresses are in network byte order.
final class SocketAddress {
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int SUN_PATH_OFFSET = 2;
    static final int SUN_PATH_BYTES = 108;
    static final int SOCKADDR_IN_BYTES = 16;
    static final int SOCKADDR_IN6_BYTES = 28;
    static final int PORT_OFFSET = 2;
    static final int SIN_ADDR_OFFSET = 4;
    static final int SIN6_ADDR_OFFSET = 8;
    static final int SIN6_SCOPE_ID_OFFSET = 24;

    private SocketAddress() {}

    /// A path of the file system, with its NUL.
    ///
    /// @throws SysException with ENAMETOOLONG, where the kernel would take the first bytes for the name
    static MemorySegment unix(Arena arena, Path path) throws SysException {
        byte[] name = Native.pathBytes(path.toString());
        if (name.length >= SUN_PATH_BYTES) {
            throw new SysException("connect", Errno.ENAMETOOLONG, path + ", " + name.length + " bytes");
        }
        MemorySegment address = arena.allocate(SUN_PATH_OFFSET + name.length + 1L, Long.BYTES);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, SUN_PATH_OFFSET, name.length);
        return address;
    }

    static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? AF_INET6 : AF_INET;
    }

    static MemorySegment inet(Arena arena, InetSocketAddress from) {
        InetAddress host = from.getAddress();
        if (host == null) {
            throw new IllegalArgumentException("The name is not resolved: " + from);
        }
        byte[] bytes = host.getAddress();
        int family = family(from);
        MemorySegment address = arena.allocate(family == AF_INET6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES, Long.BYTES);
        address.set(JAVA_SHORT, 0, (short) family);
        address.set(JAVA_SHORT, PORT_OFFSET, Short.reverseBytes((short) from.getPort()));
        MemorySegment.copy(
                bytes, 0, address, JAVA_BYTE, family == AF_INET6 ? SIN6_ADDR_OFFSET : SIN_ADDR_OFFSET, bytes.length);
        if (host instanceof Inet6Address six) {
            address.set(JAVA_INT, SIN6_SCOPE_ID_OFFSET, six.getScopeId());
        }
        return address;
    }

    static int port(MemorySegment address) {
        return Short.toUnsignedInt(Short.reverseBytes(address.get(JAVA_SHORT, PORT_OFFSET)));
    }
}
