package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;

/// Makes the exceptions of the codecs, so that all of them name what to do alike.
final class Refusal {
    private static final String REPORT =
            "Run it again; if it comes back, record the stream and let dray inspect say where it breaks";

    private Refusal() {}

    /// The bytes follow no rule of the protocol.
    static PeerException broken(String message) {
        return new PeerException(message, REPORT);
    }

    /// The bytes follow a rule that Dray does not take part in.
    static PeerException unsupported(String message, String whatToDo) {
        return new PeerException(message, whatToDo);
    }

    /// The peer has ended the connection too early.
    static PeerException ended(long offset, String inside) {
        return new PeerException(
                "The stream ended after " + offset + " bytes, inside " + inside,
                "See what the other side says about its end: query-migrate and its log");
    }
}
