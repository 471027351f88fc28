package dev.dray.vmm.cloudhypervisor.wire;

import java.lang.foreign.MemorySegment;

/// The head of a request.
///
/// | offset | size | field   | type | meaning                                                         |
/// |-------:|-----:|---------|------|-----------------------------------------------------------------|
/// |      0 |    2 | command | u16  | [Command#code()]                                                |
/// |      2 |    2 | version | u16  | with [Command#START] the protocol version, else 0               |
/// |      4 |    4 |         | u8×4 | written as 0, ignored when read                                 |
/// |      8 |    8 | length  | u64  | bytes that follow; of [Command#MEMORY] without the memory itself |
///
/// @param command as it arrived, perhaps no [Command]
/// @param length as it arrived: unsigned, and not checked against anything
public record RequestHeader(int command, int version, long length) {
    public static final int BYTES = 16;

    public static RequestHeader of(Command command, long length) {
        return new RequestHeader(command.code(), 0, length);
    }

    public static RequestHeader read(MemorySegment from, long offset) {
        return new RequestHeader(
                Short.toUnsignedInt(from.get(Wire.U16, offset)),
                Short.toUnsignedInt(from.get(Wire.U16, offset + 2)),
                from.get(Wire.U64, offset + 8));
    }

    public void write(MemorySegment to, long offset) {
        to.set(Wire.U16, offset, (short) command);
        to.set(Wire.U16, offset + 2, (short) version);
        to.set(Wire.U32, offset + 4, 0);
        to.set(Wire.U64, offset + 8, length);
    }
}
