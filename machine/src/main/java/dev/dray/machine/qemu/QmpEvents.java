package dev.dray.machine.qemu;

import java.util.Map;

/// Where events go: to every client of the control sockets.
@FunctionalInterface
interface QmpEvents {
    /// @param data the event's members: strings, numbers and booleans
    void send(String event, Map<String, ?> data);

    default void send(String event) {
        send(event, Map.of());
    }
}
