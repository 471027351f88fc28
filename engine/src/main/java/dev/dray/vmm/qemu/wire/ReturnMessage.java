package dev.dray.vmm.qemu.wire;

/// A message from destination to source on the return path.
///
/// Grammar: `be16 type, be16 length, length bytes`.
///
/// | type | message        | length | payload                                                                 |
/// |-----:|----------------|--------|-------------------------------------------------------------------------|
/// |    1 | `SHUT`         | 4      | `be32 status`                                                           |
/// |    2 | `PONG`         | 4      | `be32 value`                                                            |
/// |    3 | `REQ_PAGES_ID` | 13 + n | `be64 offset, be32 bytes, u8 n, name`                                   |
/// |    4 | `REQ_PAGES`    | 12     | `be64 offset, be32 bytes`                                               |
/// |    5 | `RECV_BITMAP`  | 1 + n  | `u8 n, name`; behind the length: `be64 m, m bytes, be64 0x123456789abcdef` |
/// |    6 | `RESUME_ACK`   | 4      | `be32 value`                                                            |
/// |    7 | `SWITCHOVER_ACK` | 0    |                                                                         |
///
/// Source: QEMU 7.2 and 10.0, migration/migration.c, `rp_cmd_args`.
public sealed interface ReturnMessage {
    /// The last message: 0 lets the source end its guest, anything else makes it resume the guest.
    record Shut(int status) implements ReturnMessage {}

    record Pong(int value) implements ReturnMessage {}

    /// The pages at `offset` of `block` are waited for; an empty block is the one of the previous request.
    record RequestPages(String block, long offset, int bytes) implements ReturnMessage {}

    /// Which pages of a block have arrived: bit `i & 7` of byte `i >> 3` is page `i`; whole words of 8 bytes.
    @SuppressWarnings("ArrayRecordComponent") // megabytes
    record ReceivedBitmap(String block, byte[] bitmap) implements ReturnMessage {
        /// A bit for every page of 8 TiB in one block.
        public static final int BYTES_MAX = 1 << 28;

        static final long END = 0x0123456789abcdefL;
    }

    record ResumeAck(int value) implements ReturnMessage {}

    record SwitchoverAck() implements ReturnMessage {}
}
