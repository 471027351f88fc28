package dev.dray;

import dev.dray.error.UsageException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// A VM as the user names it: `DIALECT:CONTROL-SOCKET`.
///
/// @param dialect `qemu`
/// @param socket its control socket
record VmAddress(String dialect, Path socket) {
    /// `sun_path` of unix(7), less its final zero.
    private static final int SOCKET_BYTES_MAX = 107;

    static VmAddress parse(String text) throws UsageException {
        int colon = text.indexOf(':');
        String dialect = colon < 0 ? "" : text.substring(0, colon);
        String socket = text.substring(colon + 1);
        if (dialect.equals("ch")) {
            throw new UsageException(
                    "Cloud Hypervisor ('" + text + "') is not in this release",
                    "Use a QEMU: qemu:/path/of/its/qmp.sock");
        }
        if (!dialect.equals("qemu") || socket.isEmpty()) {
            throw new UsageException(
                    "'" + text + "' does not name a VM", "Write qemu:SOCKET with the path of its QMP socket");
        }
        if (socket.getBytes(StandardCharsets.UTF_8).length > SOCKET_BYTES_MAX || socket.indexOf('\0') >= 0) {
            throw new UsageException(
                    "The socket path '" + socket + "' is longer than the " + SOCKET_BYTES_MAX
                            + " bytes that Linux allows",
                    "Use a shorter path, or a symbolic link to its directory");
        }
        return new VmAddress(dialect, Path.of(socket));
    }

    @Override
    public String toString() {
        return dialect + ":" + socket;
    }
}
