package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.MachineException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.SocketOption;
import dev.dray.linux.SysException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/// What listening and connecting share.
final class Sockets {
    private Sockets() {}

    static InetSocketAddress resolve(Endpoint.Tcp endpoint) throws MachineException {
        try {
            return new InetSocketAddress(InetAddress.getByName(endpoint.host()), endpoint.port());
        } catch (UnknownHostException e) {
            throw new MachineException(
                    "The host " + endpoint.host() + " is not known", "see whether its name is right", e);
        }
    }

    /// Probes after a minute of silence, as Cloud Hypervisor does it, so that both sides give up alike.
    static void keepAlive(Fd fd) throws SysException {
        SocketOption.keepAlive(fd, 60, 15, 4, 120_000);
    }

    static String wayOut(SysException e) {
        return switch (e.errno()) {
            case Errno.EADDRINUSE ->
                "another program listens there, or a socket file is left over: remove it if nobody does";
            case Errno.EACCES -> "run Dray as a user who may use it";
            case Errno.ENAMETOOLONG -> "a socket's path has at most 107 bytes";
            case Errno.ENOENT, Errno.ECONNREFUSED -> "start the other side first";
            default -> "";
        };
    }
}
