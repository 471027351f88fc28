package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.RefusedException;
import dev.dray.seal.Aead;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/// The last bytes of a pack. What would tell the pack's inner layout is sealed.
///
/// | offset | size | field            | type   | meaning                                             |
/// |-------:|-----:|------------------|--------|-----------------------------------------------------|
/// |      0 |    8 | magic            | ascii  | `DRAYPACK`                                          |
/// |      8 |    2 | version          | u16    | of the format; a higher one is refused              |
/// |     10 |    2 | reserved         | u16    | zero                                                |
/// |     12 |    4 | directory_offset | u32    | sealed: where the directory begins, frames end      |
/// |     16 |    4 | directory_sealed | u32    | sealed: the directory's length with its tag         |
/// |     20 |    4 | frames           | u32    | sealed: entries in the directory, 1 to 65536        |
/// |     24 |    4 | reserved         | u32    | sealed: zero                                        |
/// |     28 |   16 | tag              | u8×16  | of the 16 sealed bytes                              |
/// |     44 |    4 | checksum         | u32    | CRC-32C of bytes 0–43                               |
///
/// All fields little-endian. Sealed under the pack's key, nonce [FrameKind#TRAILER] and zero, no associated
/// data.
///
/// @param directoryOffset where the directory begins
/// @param directorySealedBytes its length with its tag
/// @param frames its entries
record PackTrailer(int directoryOffset, int directorySealedBytes, int frames) {
    static final int BYTES = 48;

    private static final int VERSION = 8;
    private static final int RESERVED = 10;
    private static final int SEALED = 12;
    private static final int SEALED_PLAIN_BYTES = 16;
    private static final int CHECKSUM = 44;

    /// Writes and seals the trailer at `at`, which has room for [#BYTES].
    void write(MemorySegment at, Aead aead) {
        at.set(Format.U64, 0, ObjectKind.PACK.magic);
        at.set(Format.U16, VERSION, (short) Format.VERSION);
        at.set(Format.U16, RESERVED, (short) 0);
        at.set(Format.U32, SEALED, directoryOffset);
        at.set(Format.U32, SEALED + 4, directorySealedBytes);
        at.set(Format.U32, SEALED + 8, frames);
        at.set(Format.U32, SEALED + 12, 0);
        long plain = at.address() + SEALED;
        aead.seal(FrameKind.TRAILER.number, 0, MemorySegment.NULL, plain, SEALED_PLAIN_BYTES, plain);
        at.set(Format.U32, CHECKSUM, checksum(at));
    }

    /// Reads a trailer.
    ///
    /// @param at its bytes
    /// @param name the pack's object name
    /// @param packBytes the pack's length
    static PackTrailer read(MemorySegment at, String name, long packBytes, Aead aead)
            throws CorruptException, RefusedException {
        if (at.get(Format.U64, 0) != ObjectKind.PACK.magic) {
            throw Envelope.damaged(name, "its trailer does not begin with " + ObjectKind.PACK.text());
        }
        if (at.get(Format.U32, CHECKSUM) != checksum(at)) {
            throw Envelope.damaged(name, "its trailer's checksum is wrong");
        }
        int version = Short.toUnsignedInt(at.get(Format.U16, VERSION));
        Envelope.checkVersion(name, version);
        if (version == 0 || at.get(Format.U16, RESERVED) != 0) {
            throw Envelope.damaged(name, "its version is zero or a reserved field is not");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment work = arena.allocate(SEALED_PLAIN_BYTES);
            boolean authentic = aead.open(
                    FrameKind.TRAILER.number,
                    0,
                    MemorySegment.NULL,
                    at.address() + SEALED,
                    SEALED_PLAIN_BYTES + Format.TAG_BYTES,
                    work.address());
            if (!authentic) {
                throw Envelope.damaged(name, "its trailer is not authentic");
            }
            PackTrailer trailer =
                    new PackTrailer(work.get(Format.U32, 0), work.get(Format.U32, 4), work.get(Format.U32, 8));
            trailer.check(name, packBytes, work.get(Format.U32, 12));
            return trailer;
        }
    }

    private void check(String name, long packBytes, int reserved) throws CorruptException {
        boolean lengths = directoryOffset > 0
                && directoryOffset < Format.PACK_BYTES_MAX
                && frames > 0
                && frames <= Format.PACK_FRAMES_MAX
                && directorySealedBytes == PackDirectory.lengthSealed(frames)
                && reserved == 0;
        if (!lengths || (long) directoryOffset + directorySealedBytes + BYTES != packBytes) {
            throw Envelope.damaged(
                    name,
                    "its trailer says " + directoryOffset + " + " + directorySealedBytes + " bytes and " + frames
                            + " frames, and it has " + packBytes + " bytes");
        }
    }

    private static int checksum(MemorySegment at) {
        CRC32C crc = new CRC32C();
        crc.update(at.asSlice(0, CHECKSUM).asByteBuffer());
        return (int) crc.getValue();
    }
}
