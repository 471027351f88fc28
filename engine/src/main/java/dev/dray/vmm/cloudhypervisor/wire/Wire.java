package dev.dray.vmm.cloudhypervisor.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.foreign.ValueLayout.OfShort;

/// Numbers of the protocol. All integers are little-endian: the structures are those of the host's memory, and every
/// host of Cloud Hypervisor is little-endian. Source: Cloud Hypervisor 54, vm-migration/src/protocol.rs.
public final class Wire {
    /// The only version there has ever been. It did not change when commands were added, and so tells nothing.
    public static final int PROTOCOL_VERSION = 0;

    /// What follows a MemoryFd header, in a message of its own that carries the descriptor: the slot, u32.
    public static final int SLOT_BYTES = 4;

    /// What a further connection begins with: its [Role], u16.
    public static final int ROLE_BYTES = 2;

    public static final OfShort U16 = JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    public static final OfInt U32 = JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    public static final OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private Wire() {}
}
