package dev.dray.vmm.qemu;

import tools.jackson.databind.JsonNode;

/// Something QEMU tells without being asked.
///
/// @param name `STOP`, `RESUME`, `MIGRATION`, ...
/// @param data its details; a missing node if there are none
/// @param micros QEMU's own time of it, microseconds since 1970
record QmpEvent(String name, JsonNode data, long micros) {
    /// The name of the pseudo-event that ends every event stream: the connection is gone.
    static final String CONNECTION_LOST = "DRAY_CONNECTION_LOST";
}
