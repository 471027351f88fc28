package dev.dray.vmm.qemu.wire;

/// A message from destination to source on the return path: `be16 type, be16 length, length bytes`.
public sealed interface ReturnMessage {
    /// The last message: 0 lets the source end its guest, anything else makes it resume the guest.
    record Shut(int status) implements ReturnMessage {}

    record Pong(int value) implements ReturnMessage {}

    /// The pages at `offset` of `block` are waited for; an empty block is the one of the previous request.
    record RequestPages(String block, long offset, int bytes) implements ReturnMessage {}

    /// Which pages of a block have arrived: bit `i & 7` of byte `i >> 3` is page `i`.
    @SuppressWarnings("ArrayRecordComponent") // megabytes
    record ReceivedBitmap(String block, byte[] bitmap) implements ReturnMessage {}

    record ResumeAck(int value) implements ReturnMessage {}

    record SwitchoverAck() implements ReturnMessage {}
}
