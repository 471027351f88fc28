package dev.dray.machine.vmm;

import java.nio.file.Path;

/// What speaks for a [Vmm] at its control sockets and migrates its guest.
public interface Dialect extends AutoCloseable {
    /// Opens a control socket.
    void listen(Path socket);

    /// The dialect's word for what the guest does.
    String status();

    /// Breaks every connection, as the end of the process would.
    void closeConnections();

    @Override
    void close();
}
