package dev.dray;

import dev.dray.error.UsageException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/// A VM as the user names it: `DIALECT:CONTROL-SOCKET`.
///
/// @param socket its control socket
record VmAddress(Dialect dialect, Path socket) {
    /// `sun_path` of unix(7), less its final zero.
    private static final int SOCKET_BYTES_MAX = 107;

    /// Whose protocol a VM speaks.
    enum Dialect {
        QEMU,
        CH;

        /// The word for it in addresses.
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// Said before a repository is opened or a VM is reached.
        void refuseWhatItCannot(Restore restore) throws UsageException {
            if (this == QEMU && restore.memory() instanceof RestoreMemory.Lazy) {
                throw new UsageException(
                        "Lazy restore into a QEMU is not in this release",
                        "Leave --lazy out: all memory is sent first");
            }
            if (this == QEMU && !restore.settings().isEmpty()) {
                throw new UsageException(
                        "A waiting QEMU has its configuration already", "Give --set's values on its command line");
            }
            if (this == CH && !restore.mapBlock().isEmpty()) {
                throw new UsageException(
                        "Memory regions of a Cloud Hypervisor have no other names", "Leave --map-block out");
            }
        }
    }

    static VmAddress parse(String text) throws UsageException {
        int colon = text.indexOf(':');
        String word = colon < 0 ? "" : text.substring(0, colon);
        String socket = text.substring(colon + 1);
        if (socket.isEmpty()) {
            throw notAVm(text);
        }
        Dialect dialect = Arrays.stream(Dialect.values())
                .filter(each -> each.word().equals(word))
                .findFirst()
                .orElseThrow(() -> notAVm(text));
        if (socket.getBytes(StandardCharsets.UTF_8).length > SOCKET_BYTES_MAX || socket.indexOf('\0') >= 0) {
            throw new UsageException(
                    "The socket path '" + socket + "' is longer than the " + SOCKET_BYTES_MAX
                            + " bytes that Linux allows",
                    "Use a shorter path, or a symbolic link to its directory");
        }
        return new VmAddress(dialect, Path.of(socket));
    }

    private static UsageException notAVm(String text) {
        return new UsageException(
                "'" + text + "' does not name a VM",
                "Write qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its API socket");
    }

    @Override
    public String toString() {
        return dialect.word() + ":" + socket;
    }
}
