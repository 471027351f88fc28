package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.nio.ByteOrder.BIG_ENDIAN;

import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.foreign.ValueLayout.OfShort;

/// The numbers of QEMU's migration stream, under QEMU's names. All integers are big-endian. Source: QEMU
/// 7.2 and 10.0, migration/savevm.c, migration/ram.c, migration/qemu-file-types.h.
public final class Wire {
    public static final int QEMU_VM_FILE_MAGIC = 0x5145564d;
    public static final int QEMU_VM_FILE_VERSION = 3;

    public static final int QEMU_VM_EOF = 0x00;
    public static final int QEMU_VM_SECTION_START = 0x01;
    public static final int QEMU_VM_SECTION_PART = 0x02;
    public static final int QEMU_VM_SECTION_END = 0x03;
    public static final int QEMU_VM_SECTION_FULL = 0x04;
    public static final int QEMU_VM_SUBSECTION = 0x05;
    public static final int QEMU_VM_VMDESCRIPTION = 0x06;
    public static final int QEMU_VM_CONFIGURATION = 0x07;
    public static final int QEMU_VM_COMMAND = 0x08;
    public static final int QEMU_VM_SECTION_FOOTER = 0x7e;

    public static final int RAM_SAVE_FLAG_ZERO = 0x002;
    public static final int RAM_SAVE_FLAG_MEM_SIZE = 0x004;
    public static final int RAM_SAVE_FLAG_PAGE = 0x008;
    public static final int RAM_SAVE_FLAG_EOS = 0x010;
    public static final int RAM_SAVE_FLAG_CONTINUE = 0x020;
    public static final int RAM_SAVE_FLAG_XBZRLE = 0x040;
    public static final int RAM_SAVE_FLAG_HOOK = 0x080;
    public static final int RAM_SAVE_FLAG_COMPRESS_PAGE = 0x100;
    public static final int RAM_SAVE_FLAG_MULTIFD_FLUSH = 0x200;

    /// The memory section: its name and the version of its records.
    public static final String RAM_NAME = "ram";

    public static final int RAM_VERSION = 4;

    /// `QEMU_VM_SECTION_FOOTER, be32 sectionId`.
    public static final int FOOTER_BYTES = 5;

    /// A page record without a name: `be64 offset | PAGE | CONTINUE`, then the page.
    public static final int RECORD_HEAD_BYTES = 8;

    /// A whole page record without a name; as the stride of a slab it leaves room for each record's head.
    public static final int RECORD_BYTES = 8 + 4096;

    static final OfShort U16 = JAVA_SHORT_UNALIGNED.withOrder(BIG_ENDIAN);
    static final OfInt U32 = JAVA_INT_UNALIGNED.withOrder(BIG_ENDIAN);
    static final OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(BIG_ENDIAN);

    private Wire() {}
}
