package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;

/// Makes the exceptions of the codecs, so that all of them name what to do alike.
final class Refusal {
    private Refusal() {}

    /// The bytes follow no rule of the protocol.
    static PeerException broken(String message) {
        return new PeerException(
                message, "see Cloud Hypervisor's log; if it is a version that dray doctor knows, report this");
    }
}
