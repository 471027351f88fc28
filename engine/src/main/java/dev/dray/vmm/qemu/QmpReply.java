package dev.dray.vmm.qemu;

import tools.jackson.databind.JsonNode;

/// QEMU's answer to one command.
sealed interface QmpReply {
    /// The command was carried out.
    record Value(JsonNode value) implements QmpReply {}

    /// The command was refused, in QEMU's own words.
    record Refused(String reason) implements QmpReply {}
}
