package dev.dray.vmm.cloudhypervisor.wire;

import java.util.Optional;

/// What a request asks for.
public enum Command {
    /// The first message; the header has the protocol version.
    START(1),
    /// The VM's configuration: a JSON document ([MigrationConfig]).
    CONFIG(2),
    /// Device and vCPU state: a JSON document ([StateDocument]).
    STATE(3),
    /// A [RangeTable], which is all that the header's length counts, then the bytes of its ranges.
    MEMORY(4),
    /// All was sent: the receiver runs the guest.
    COMPLETE(5),
    /// The sender gives up. Versions up to 52 send it.
    ABANDON(6),
    /// A slot number, in a message that carries a descriptor of the slot's memory. Unix sockets only.
    MEMORY_FD(7),
    /// As [#COMPLETE] for a guest that stood still before the migration, and does so after it.
    COMPLETE_PAUSED(8),
    /// The receiver asks for one [MemoryRange], on a connection for nothing else.
    PAGE_FAULT(9);

    private static final Command[] ALL = values();

    private final int code;

    Command(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /// Empty for 0, which a peer may send but never means anything, and for commands that Dray does not know.
    public static Optional<Command> of(int code) {
        return code < 1 || code > ALL.length ? Optional.empty() : Optional.of(ALL[code - 1]);
    }
}
