package dev.dray.vmm.qemu.wire;

import dev.dray.memory.PageSize;
import java.util.StringJoiner;

/// The head of a memory record: `be64 offset | flags`. The offset is inside the RAM block, the flags are in the
/// bits that page alignment leaves free.
final class RamRecord {
    static final int PAGE_CONTINUE = Wire.RAM_SAVE_FLAG_PAGE | Wire.RAM_SAVE_FLAG_CONTINUE;
    static final int ZERO_CONTINUE = Wire.RAM_SAVE_FLAG_ZERO | Wire.RAM_SAVE_FLAG_CONTINUE;

    /// The longest record of all: a named page.
    static final int BYTES_MAX = 8 + 1 + 255 + PageSize.BYTES;

    private static final int MASK = PageSize.BYTES - 1;

    private static final String[] NAMES = {
        "FULL", "ZERO", "MEM_SIZE", "PAGE", "EOS", "CONTINUE", "XBZRLE", "HOOK", "COMPRESS_PAGE", "MULTIFD_FLUSH"
    };

    private RamRecord() {}

    static int flags(long head) {
        return (int) head & MASK;
    }

    static long offset(long head) {
        return head & ~(long) MASK;
    }

    /// The flags under QEMU's names, unknown ones as numbers.
    static String words(long head) {
        int flags = flags(head);
        if (flags == 0) {
            return "no flag";
        }
        var words = new StringJoiner("|");
        for (int bit = 0; bit < 12; bit++) {
            if ((flags >>> bit & 1) != 0) {
                words.add(bit < NAMES.length ? NAMES[bit] : "0x" + Integer.toHexString(1 << bit));
            }
        }
        return words.toString();
    }
}
