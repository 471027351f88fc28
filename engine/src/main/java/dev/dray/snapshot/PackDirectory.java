package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The list of a pack's frames, in their order; they lie back to back from offset 0, so offsets are sums.
/// Whoever has only the pack can rebuild from it what the pack holds. One entry:
///
/// | offset | size | field    | type  | meaning                                                      |
/// |-------:|-----:|----------|-------|--------------------------------------------------------------|
/// |      0 |   16 | identity | u8×16 | keyed hash of the opened frame                               |
/// |     16 |    4 | frame    | u32   | bits 0–23 sealed bytes, 24–27 kind, 28 compressed, rest zero |
///
/// All fields little-endian. Sealed under the pack's key, nonce [FrameKind#DIRECTORY] and its offset, no
/// associated data.
///
/// @param entries the opened directory; native memory
/// @param frames how many entries
record PackDirectory(MemorySegment entries, int frames) {
    static final int ENTRY_BYTES = 20;

    private static final int FRAME = 16;
    private static final int KIND_SHIFT = 24;
    private static final int COMPRESSED = 1 << 28;
    private static final int RESERVED = 7 << 29;

    static int lengthSealed(int frames) {
        return frames * ENTRY_BYTES + Format.TAG_BYTES;
    }

    /// Writes an entry's second field; the identity is written by whoever has it.
    static void setFrame(MemorySegment entries, int index, FrameKind kind, int sealedBytes, boolean compressed) {
        int frame = sealedBytes | (kind.number << KIND_SHIFT) | (compressed ? COMPRESSED : 0);
        entries.set(Format.U32, (long) index * ENTRY_BYTES + FRAME, frame);
    }

    long identityAddress(int index) {
        return entries.address() + (long) index * ENTRY_BYTES;
    }

    /// Length of a frame in the pack, tag included.
    int sealedBytes(int index) {
        return frame(index) & 0xFF_FFFF;
    }

    @Nullable
    FrameKind kind(int index) {
        return FrameKind.ofEntry(number(index));
    }

    /// The number of a frame's kind, which need not be one that this version knows.
    int number(int index) {
        return (frame(index) >>> KIND_SHIFT) & 15;
    }

    boolean compressed(int index) {
        return (frame(index) & COMPRESSED) != 0;
    }

    private int frame(int index) {
        return entries.get(Format.U32, (long) index * ENTRY_BYTES + FRAME);
    }

    /// Checks every entry, and that together they fill the pack up to the directory.
    PackDirectory check(String name, int directoryOffset) throws CorruptException {
        long end = 0;
        for (int i = 0; i < frames; i++) {
            FrameKind kind = kind(i);
            int sealed = sealedBytes(i);
            if (kind == null || (frame(i) & RESERVED) != 0 || sealed <= Format.TAG_BYTES) {
                throw Envelope.damaged(name, "entry " + i + " of its directory is 0x" + Integer.toHexString(frame(i)));
            }
            if (kind == FrameKind.PAGE && sealed > Location.SEALED_MAX) {
                throw Envelope.damaged(name, "entry " + i + " of its directory is a page of " + sealed + " bytes");
            }
            end += sealed;
        }
        if (end != directoryOffset) {
            throw Envelope.damaged(
                    name, "its frames end at " + end + " and its directory begins at " + directoryOffset);
        }
        return this;
    }
}
