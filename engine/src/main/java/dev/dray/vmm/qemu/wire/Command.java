package dev.dray.vmm.qemu.wire;

/// A command from source to destination inside the stream: `0x08, be16 code, be16 length, length bytes`.
public sealed interface Command {
    /// The destination opens the reverse direction of the same connection.
    record OpenReturnPath() implements Command {}

    /// Answered by [ReturnMessage.Pong] with the same value.
    record Ping(int value) implements Command {}

    /// Post-copy may follow: the OR of all page sizes and the target page size; both 0 stand for dirty bitmaps only.
    record PostcopyAdvise(long pageSizes, long targetPageBytes) implements Command {}

    record PostcopyListen() implements Command {}

    record PostcopyRun() implements Command {}

    /// These ranges of a block were not sent or are stale; pairs of offset and length in bytes.
    @SuppressWarnings("ArrayRecordComponent") // thousands of pairs
    record RamDiscard(String block, long[] offsetsAndBytes) implements Command {}

    /// `bytes` bytes follow, outside the command, that are a stream of items themselves.
    record Packaged(int bytes) implements Command {}

    record EnableColo() implements Command {}

    record PostcopyResume() implements Command {}

    record AskReceivedBitmap(String block) implements Command {}

    record SwitchoverStart() implements Command {}
}
