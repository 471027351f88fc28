package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;

/// The first packet of a further connection.
///
/// | offset | size | field    | type  | meaning                                  |
/// |-------:|-----:|----------|-------|------------------------------------------|
/// |      0 |    4 | magic    | u32   | [#MAGIC]                                 |
/// |      4 |    4 | version  | u32   | [#VERSION]                               |
/// |      8 |   16 | uuid     | u8×16 | the guest's, or zero; ignored when read  |
/// |     24 |    1 | channel  | u8    | number of the connection, from 0         |
/// |     25 |   39 | reserved | u8×39 | written as zero, ignored when read       |
///
/// All fields big-endian. Source: QEMU 7.2 and 10.0, migration/multifd.c, `MultiFDInit_t`.
public record MultifdHello(int channel) {
    public static final int SIZE = 64;

    /// Also tells a further connection from the main one, which begins with [Wire#QEMU_VM_FILE_MAGIC].
    public static final int MAGIC = 0x11223344;

    public static final int VERSION = 1;

    public static MultifdHello read(MemorySegment from) throws PeerException {
        int magic = from.get(Wire.U32, 0);
        int version = from.get(Wire.U32, 4);
        if (magic != MAGIC || version != VERSION) {
            throw Refusal.broken("A further connection begins with 0x" + Integer.toHexString(magic) + " version "
                    + Integer.toUnsignedString(version) + " instead of 0x11223344 version 1");
        }
        return new MultifdHello(from.get(JAVA_BYTE, 24) & 0xff);
    }

    public void write(MemorySegment to) {
        to.asSlice(0, SIZE).fill((byte) 0);
        to.set(Wire.U32, 0, MAGIC);
        to.set(Wire.U32, 4, VERSION);
        to.set(JAVA_BYTE, 24, (byte) channel);
    }
}
