package dev.dray.machine.qemu;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// Where a migration goes or comes from: `unix:PATH` or `tcp:HOST:PORT`.
///
/// @param text as it was given
record MigrationUri(String text, SocketAddress address) {
    static MigrationUri parse(String text) throws QmpException {
        if (text.startsWith("unix:") && text.length() > 5) {
            return new MigrationUri(text, UnixDomainSocketAddress.of(text.substring(5)));
        }
        int colon = text.lastIndexOf(':');
        if (text.startsWith("tcp:") && colon > 4) {
            try {
                int port = Integer.parseInt(text.substring(colon + 1));
                return new MigrationUri(text, new InetSocketAddress(text.substring(4, colon), port));
            } catch (IllegalArgumentException e) {
                throw new QmpException("error parsing address '" + text.substring(4) + "'");
            }
        }
        throw new QmpException("unknown migration protocol: " + text);
    }

    Connection connect() throws IOException {
        SocketChannel channel = SocketChannel.open(family());
        try {
            channel.connect(address);
            return new Connection(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    ServerSocketChannel listen() throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(family());
        try {
            return server.bind(address, 16);
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    /// As QEMU's messages name it.
    String place() {
        return address instanceof UnixDomainSocketAddress unix ? unix.getPath().toString() : text.substring(4);
    }

    private StandardProtocolFamily family() {
        return address instanceof UnixDomainSocketAddress ? StandardProtocolFamily.UNIX : StandardProtocolFamily.INET;
    }
}
