package dev.dray.vmm.cloudhypervisor.wire;

import java.util.Optional;

/// What a connection beside the main one is for. It begins with the role as a u16, which is not answered.
public enum Role {
    /// The sender sends [Command#MEMORY] on it.
    PRECOPY_MEMORY(1),
    /// The receiver asks for pages on it.
    FAULT(2);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /// Empty for a role that Dray does not know.
    public static Optional<Role> of(int code) {
        return switch (code) {
            case 1 -> Optional.of(PRECOPY_MEMORY);
            case 2 -> Optional.of(FAULT);
            default -> Optional.empty();
        };
    }
}
