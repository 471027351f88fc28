package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;

/// The first packet of a further connection.
///
/// | offset | size | field    | type  | meaning                                  |
/// |-------:|-----:|----------|-------|------------------------------------------|
/// |      0 |    4 | magic    | u32   | [#MAGIC]                                 |
/// |      4 |    4 | version  | u32   | [#VERSION]                               |
/// |      8 |   16 | uuid     | u8×16 | the guest's, or zero                     |
/// |     24 |    1 | channel  | u8    | number of the connection, from 0         |
/// |     25 |    7 | reserved | u8×7  | written as zero, ignored when read       |
/// |     32 |   32 | unused   | u64×4 | written as zero, ignored when read       |
///
/// All fields big-endian. Source: QEMU 10.0, migration/multifd.c, `MultiFDInit_t`.
public record MultifdHello(int channel) {
    public static final int SIZE = 64;
    public static final int MAGIC = 0x11223344;
    public static final int VERSION = 1;

    public static MultifdHello read(MemorySegment from) throws PeerException {
        return new MultifdHello(from.get(Wire.U16, 0));
    }

    public void write(MemorySegment to) {
        to.set(Wire.U32, 0, MAGIC);
    }
}
