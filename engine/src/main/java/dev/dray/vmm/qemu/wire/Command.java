package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;

/// A command from source to destination inside the stream.
///
/// Grammar, behind the type `0x08`: `be16 code, be16 length, length bytes`.
///
/// | code | command              | length  | payload                                                    |
/// |-----:|----------------------|---------|------------------------------------------------------------|
/// |    1 | `OPEN_RETURN_PATH`   | 0       |                                                            |
/// |    2 | `PING`               | 4       | `be32 value`                                               |
/// |    3 | `POSTCOPY_ADVISE`    | 0 or 16 | `be64 pageSizes, be64 targetPageBytes`                     |
/// |    4 | `POSTCOPY_LISTEN`    | 0       |                                                            |
/// |    5 | `POSTCOPY_RUN`       | 0       |                                                            |
/// |    6 | `POSTCOPY_RAM_DISCARD` | any   | `u8 0, u8 n, name, u8 0, (be64 offset, be64 bytes)+`       |
/// |    7 | `PACKAGED`           | 4       | `be32 n`; n bytes follow the command                       |
/// |    8 | `ENABLE_COLO`        | 0       |                                                            |
/// |    9 | `POSTCOPY_RESUME`    | 0       |                                                            |
/// |   10 | `RECV_BITMAP`        | 1 + n   | `u8 n, name`                                               |
/// |   11 | `SWITCHOVER_START`   | 0       |                                                            |
///
/// Source: QEMU 7.2 and 10.0, migration/savevm.c, `mig_cmd_args`.
public sealed interface Command {
    /// The destination opens the reverse direction of the same connection.
    record OpenReturnPath() implements Command {}

    /// Answered by [ReturnMessage.Pong] with the same value.
    record Ping(int value) implements Command {}

    /// Post-copy may follow: the OR of all page sizes and the target page size; both 0 stand for dirty
    /// bitmaps only.
    record PostcopyAdvise(long pageSizes, long targetPageBytes) implements Command {}

    record PostcopyListen() implements Command {}

    record PostcopyRun() implements Command {}

    /// These ranges of a block were not sent or are stale; pairs of offset and length in bytes.
    @SuppressWarnings("ArrayRecordComponent") // thousands of pairs
    record RamDiscard(String block, long[] offsetsAndBytes) implements Command {
        /// What fits into a command of 64 KiB, less the longest name.
        public static final int PAIRS_MAX = (0xffff - 3 - 255) / 16;
    }

    /// `bytes` bytes follow, outside the command, that are a stream of items themselves.
    record Packaged(int bytes) implements Command {}

    record EnableColo() implements Command {}

    record PostcopyResume() implements Command {}

    record AskReceivedBitmap(String block) implements Command {}

    record SwitchoverStart() implements Command {}

    /// QEMU's word for it.
    default String word() {
        return switch (this) {
            case OpenReturnPath _ -> "OPEN_RETURN_PATH";
            case Ping _ -> "PING";
            case PostcopyAdvise _ -> "POSTCOPY_ADVISE";
            case PostcopyListen _ -> "POSTCOPY_LISTEN";
            case PostcopyRun _ -> "POSTCOPY_RUN";
            case RamDiscard _ -> "POSTCOPY_RAM_DISCARD";
            case Packaged _ -> "PACKAGED";
            case EnableColo _ -> "ENABLE_COLO";
            case PostcopyResume _ -> "POSTCOPY_RESUME";
            case AskReceivedBitmap _ -> "RECV_BITMAP";
            case SwitchoverStart _ -> "SWITCHOVER_START";
        };
    }

    /// Reads what follows the type.
    static Command read(StreamInput in) throws PeerException {
        int code = in.u16("a command");
        int bytes = in.u16("a command");
        return switch (code) {
            case 1 -> fixed(new OpenReturnPath(), bytes, 0);
            case 2 -> fixed(new Ping(in.u32("PING")), bytes, 4);
            case 3 -> advise(in, bytes);
            case 4 -> fixed(new PostcopyListen(), bytes, 0);
            case 5 -> fixed(new PostcopyRun(), bytes, 0);
            case 6 -> discard(in, bytes);
            case 7 -> fixed(new Packaged(in.length(Integer.MAX_VALUE, "a package")), bytes, 4);
            case 8 -> fixed(new EnableColo(), bytes, 0);
            case 9 -> fixed(new PostcopyResume(), bytes, 0);
            case 10 -> {
                String block = in.name("RECV_BITMAP");
                yield fixed(new AskReceivedBitmap(block), bytes, 1 + block.length());
            }
            case 11 -> fixed(new SwitchoverStart(), bytes, 0);
            default -> throw Refusal.broken("Command " + code + " with " + bytes + " bytes is unknown");
        };
    }

    private static Command fixed(Command command, int bytes, int expected) throws PeerException {
        if (bytes != expected) {
            throw Refusal.broken("Command " + command.word() + " has " + bytes + " bytes instead of " + expected);
        }
        return command;
    }

    private static Command advise(StreamInput in, int bytes) throws PeerException {
        if (bytes == 0) {
            return new PostcopyAdvise(0, 0);
        }
        return fixed(new PostcopyAdvise(in.u64("POSTCOPY_ADVISE"), in.u64("POSTCOPY_ADVISE")), bytes, 16);
    }

    private static Command discard(StreamInput in, int bytes) throws PeerException {
        int version = in.u8("POSTCOPY_RAM_DISCARD");
        String block = in.name("POSTCOPY_RAM_DISCARD");
        int end = in.u8("POSTCOPY_RAM_DISCARD");
        int left = bytes - 3 - block.length();
        if (version != 0 || end != 0 || left <= 0 || left % 16 != 0) {
            throw Refusal.broken("Command POSTCOPY_RAM_DISCARD for block '" + block + "' has version " + version
                    + ", name end " + end + " and " + left + " bytes of ranges");
        }
        var pairs = new long[left / 8];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = in.u64("POSTCOPY_RAM_DISCARD");
        }
        return new RamDiscard(block, pairs);
    }

    /// Writes the type and all of the command.
    default void write(Bytes out) {
        out.u8(Wire.QEMU_VM_COMMAND);
        switch (this) {
            case OpenReturnPath _ -> out.u16(1).u16(0);
            case Ping c -> out.u16(2).u16(4).u32(c.value);
            case PostcopyAdvise c when c.targetPageBytes == 0 -> out.u16(3).u16(0);
            case PostcopyAdvise c -> out.u16(3).u16(16).u64(c.pageSizes).u64(c.targetPageBytes);
            case PostcopyListen _ -> out.u16(4).u16(0);
            case PostcopyRun _ -> out.u16(5).u16(0);
            case RamDiscard c -> writeDiscard(c, out);
            case Packaged c -> out.u16(7).u16(4).u32(c.bytes);
            case EnableColo _ -> out.u16(8).u16(0);
            case PostcopyResume _ -> out.u16(9).u16(0);
            case AskReceivedBitmap c -> out.u16(10).u16(1 + c.block.length()).name(c.block);
            case SwitchoverStart _ -> out.u16(11).u16(0);
        }
    }

    private static void writeDiscard(RamDiscard c, Bytes out) {
        if (c.offsetsAndBytes.length == 0 || c.offsetsAndBytes.length > 2 * RamDiscard.PAIRS_MAX) {
            throw new IllegalArgumentException(c.offsetsAndBytes.length / 2 + " ranges to discard");
        }
        out.u16(6).u16(3 + c.block.length() + 8 * c.offsetsAndBytes.length);
        out.u8(0).name(c.block).u8(0);
        for (long value : c.offsetsAndBytes) {
            out.u64(value);
        }
    }
}
