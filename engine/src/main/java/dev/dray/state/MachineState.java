package dev.dray.state;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// A machine's configuration and device state as the VMM gave it: named parts, kept byte for byte, understood
/// only by the dialect that wrote them.
///
/// @param dialect the dialect's name: `qemu`
/// @param parts part name to bytes; the names are the dialect's own
public record MachineState(String dialect, SortedMap<String, byte[]> parts) {
    /// Largest part: 1 GiB; device state of real guests is hundreds of KB, with vGPU state hundreds of MB.
    public static final long PART_BYTES_MAX = 1L << 30;

    public MachineState {
        parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
    }
}
