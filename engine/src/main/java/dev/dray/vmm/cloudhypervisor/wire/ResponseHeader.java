package dev.dray.vmm.cloudhypervisor.wire;

import java.lang.foreign.MemorySegment;

/// The head of an answer, and mostly all of it. An error has no text: why, only the log of who sent it says.
///
/// | offset | size | field  | type | meaning                                                           |
/// |-------:|-----:|--------|------|-------------------------------------------------------------------|
/// |      0 |    2 | status | u16  | [#OK] or [#ERROR]                                                 |
/// |      2 |    6 |        | u8×6 | written as 0, ignored when read                                   |
/// |      8 |    8 | length | u64  | bytes that follow: of an answer to [Command#PAGE_FAULT], else 0 |
///
/// @param status as it arrived
/// @param length as it arrived: unsigned, and not checked against anything
public record ResponseHeader(int status, long length) {
    public static final int BYTES = 16;
    public static final int OK = 1;
    public static final int ERROR = 2;

    public static ResponseHeader read(MemorySegment from, long offset) {
        return new ResponseHeader(Short.toUnsignedInt(from.get(Wire.U16, offset)), from.get(Wire.U64, offset + 8));
    }

    public void write(MemorySegment to, long offset) {
        to.set(Wire.U16, offset, (short) status);
        to.set(Wire.U16, offset + 2, (short) 0);
        to.set(Wire.U32, offset + 4, 0);
        to.set(Wire.U64, offset + 8, length);
    }
}
