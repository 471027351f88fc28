package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/// The head of a packet on a further connection; the contents of its normal pages follow, in the order of their
/// offsets.
///
/// | offset | size | field          | type  | meaning                                                   |
/// |-------:|-----:|----------------|-------|-----------------------------------------------------------|
/// |      0 |    4 | magic          | u32   | [MultifdHello#MAGIC]                                      |
/// |      4 |    4 | version        | u32   | 1                                                         |
/// |      8 |    4 | flags          | u32   | [#SYNC], method of compression                            |
/// |     12 |    4 | pagesAlloc     | u32   | length of the offset table, [#PAGES_MAX]                  |
/// |     16 |    4 | normalPages    | u32   | pages whose contents follow                               |
/// |     20 |    4 | nextPacketSize | u32   | bytes that follow: `normalPages` times 4096; if 0, ignored |
/// |     24 |    8 | packetNum      | u64   | counts packets over all connections                       |
/// |     32 |    4 | zeroPages      | u32   | pages of zeros, since QEMU 9.0                            |
/// |     36 |   28 | reserved       | u8×28 | written as zero, ignored when read                        |
/// |     64 |  256 | block          | u8×256 | the RAM block's name, filled up with NUL                 |
/// |    320 | 1024 | offsets        | u64×128 | those of the normal pages, then those of the zero pages |
///
/// All fields big-endian. Source: QEMU 7.2 and 10.0, migration/multifd.c, `MultiFDPacket_t`.
///
/// @param block empty if there are no pages
record MultifdPacket(int flags, int normalPages, int zeroPages, long number, String block) {
    static final int SIZE = 320 + 128 * 8;

    /// Pages in a packet: 512 KiB of them.
    static final int PAGES_MAX = 128;

    /// This connection is at a barrier, behind this packet's pages.
    static final int SYNC = 1;

    private static final int COMPRESSION = 0x3e;
    private static final int DEVICE_STATE = 0x40;
    private static final int NAME_OFFSET = 64;
    private static final int NAME_BYTES = 256;
    private static final int OFFSETS_OFFSET = 320;

    /// Bits 1 to 5 as a number.
    private static String method(int flags) {
        int method = (flags & COMPRESSION) >>> 1;
        return switch (method) {
            case 1 -> "zlib";
            case 2 -> "zstd";
            case 4 -> "qpl";
            case 8 -> "uadk";
            case 16 -> "qatzip";
            default -> "method " + method;
        };
    }

    /// Reads the head; `offsets` gets the offsets of the normal, then of the zero pages.
    static MultifdPacket read(MemorySegment from, long at, long[] offsets) throws PeerException {
        int magic = from.get(Wire.U32, at);
        int version = from.get(Wire.U32, at + 4);
        if (magic != MultifdHello.MAGIC || version != MultifdHello.VERSION) {
            throw Refusal.broken("A multifd packet begins with 0x" + Integer.toHexString(magic) + " version "
                    + Integer.toUnsignedString(version) + " instead of 0x11223344 version 1");
        }
        int flags = from.get(Wire.U32, at + 8);
        refuseFlags(flags);
        int alloc = from.get(Wire.U32, at + 12);
        int normal = from.get(Wire.U32, at + 16);
        int zero = from.get(Wire.U32, at + 32);
        long pages = Integer.toUnsignedLong(normal) + Integer.toUnsignedLong(zero);
        if (pages > PAGES_MAX || Integer.compareUnsigned(alloc, PAGES_MAX) > 0) {
            throw Refusal.broken("A multifd packet has " + pages + " pages in a table of "
                    + Integer.toUnsignedString(alloc) + "; at most " + PAGES_MAX + " are possible");
        }
        int bytes = from.get(Wire.U32, at + 20);
        // Without pages QEMU 7.2 repeats the size of the packet before, and nothing follows.
        if (normal > 0 && bytes != normal * 4096) {
            throw Refusal.broken("A multifd packet of " + normal + " pages has " + Integer.toUnsignedString(bytes)
                    + " bytes of contents");
        }
        for (int i = 0; i < pages; i++) {
            offsets[i] = from.get(Wire.U64, at + OFFSETS_OFFSET + 8L * i);
        }
        String block = pages == 0 ? "" : name(from, at + NAME_OFFSET);
        return new MultifdPacket(flags, normal, zero, from.get(Wire.U64, at + 24), block);
    }

    private static void refuseFlags(int flags) throws PeerException {
        if ((flags & COMPRESSION) != 0) {
            throw Refusal.unsupported(
                    "A multifd packet is compressed with " + method(flags), "Set multifd-compression to none");
        }
        if ((flags & DEVICE_STATE) != 0) {
            throw Refusal.unsupported(
                    "A multifd packet holds device state, whose form Dray does not know",
                    "Remove the VFIO device, or turn the capability multifd off");
        }
        if ((flags & ~SYNC) != 0) {
            throw Refusal.broken("A multifd packet has the unknown flags 0x" + Integer.toHexString(flags & ~SYNC));
        }
    }

    private static String name(MemorySegment from, long at) throws PeerException {
        int bytes = 0;
        while (bytes < NAME_BYTES && from.get(JAVA_BYTE, at + bytes) != 0) {
            bytes++;
        }
        if (bytes == NAME_BYTES) {
            throw Refusal.broken("The RAM block's name in a multifd packet has no end");
        }
        var name = new byte[bytes];
        MemorySegment.copy(from, JAVA_BYTE, at, name, 0, bytes);
        return new String(name, StandardCharsets.ISO_8859_1);
    }

    /// Writes the head. The table's rest is zero.
    void write(MemorySegment to, long[] offsets) {
        to.asSlice(0, SIZE).fill((byte) 0);
        to.set(Wire.U32, 0, MultifdHello.MAGIC);
        to.set(Wire.U32, 4, MultifdHello.VERSION);
        to.set(Wire.U32, 8, flags);
        to.set(Wire.U32, 12, PAGES_MAX);
        to.set(Wire.U32, 16, normalPages);
        to.set(Wire.U32, 20, normalPages * 4096);
        to.set(Wire.U64, 24, number);
        to.set(Wire.U32, 32, zeroPages);
        MemorySegment.copy(
                MemorySegment.ofArray(block.getBytes(StandardCharsets.US_ASCII)), 0, to, NAME_OFFSET, block.length());
        for (int i = 0; i < normalPages + zeroPages; i++) {
            to.set(Wire.U64, OFFSETS_OFFSET + 8L * i, offsets[i]);
        }
    }
}
