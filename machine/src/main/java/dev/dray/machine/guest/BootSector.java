package dev.dray.machine.guest;

/// The first sector of a [BareMetalGuest]: loads the sectors behind it, opens address line 20, and enters
/// 32-bit protected mode with flat segments at the first byte of the second sector.
///
/// It is 16-bit code, which [Assembler] only knows as bytes; each line says what they are.
final class BootSector {
    /// Where the firmware puts the first sector.
    static final int ORIGIN = 0x7c00;

    static final int SECTOR_BYTES = 512;

    /// The sectors that can be behind it: the rest of the first track of a 1.44 MB floppy.
    static final int MORE_SECTORS_MAX = 17;

    /// Selectors of the two flat segments.
    static final int CODE_SEGMENT = 8;

    static final int DATA_SEGMENT = 16;

    private BootSector() {}

    /// Emits it, padded to a whole sector.
    static void emit(Assembler code, int moreSectors) {
        if (moreSectors > MORE_SECTORS_MAX) {
            throw new IllegalStateException(moreSectors + " sectors do not fit in a track");
        }
        code.bytes(0xfa); // cli
        code.bytes(0x31, 0xc0); // xor ax, ax
        code.bytes(0x8e, 0xd8); // mov ds, ax
        code.bytes(0x8e, 0xc0); // mov es, ax
        code.bytes(0x8e, 0xd0); // mov ss, ax
        code.bytes(0xbc).u16(ORIGIN); // mov sp, 0x7c00
        code.bytes(0xea).u16(ORIGIN + code.offset() + 4).u16(0); // jmp 0:next instruction
        code.bytes(0xfb); // sti
        int read = code.offset();
        code.bytes(0xb8, moreSectors, 0x02); // mov ax, read so many sectors
        code.bytes(0xb9, 0x02, 0x00); // mov cx, cylinder 0, from sector 2
        code.bytes(0xb6, 0x00); // mov dh, head 0; dl is the drive that we were booted from
        code.bytes(0xbb).u16(ORIGIN + SECTOR_BYTES); // mov bx, to behind this sector
        code.bytes(0xcd, 0x13); // int 13h
        code.bytes(0x73, 6); // jnc loaded
        code.bytes(0x31, 0xc0); // xor ax, ax: reset the drive
        code.bytes(0xcd, 0x13); // int 13h
        code.bytes(0xeb, read - (code.offset() + 2)); // jmp read
        code.bytes(0xfa); // loaded: cli
        code.bytes(0xe4, 0x92); // in al, 92h
        code.bytes(0x0c, 0x02); // or al, 2: open A20
        code.bytes(0x24, 0xfe); // and al, ~1: do not reset
        code.bytes(0xe6, 0x92); // out 92h, al
        int gdtr = SECTOR_BYTES - 2 - 6;
        int gdt = gdtr - 24;
        code.bytes(0x0f, 0x01, 0x16).u16(ORIGIN + gdtr); // lgdt [gdtr]
        code.bytes(0x0f, 0x20, 0xc0); // mov eax, cr0
        code.bytes(0x0c, 0x01); // or al, 1: protected mode
        code.bytes(0x0f, 0x22, 0xc0); // mov cr0, eax
        code.bytes(0x66, 0xea).u32(ORIGIN + SECTOR_BYTES).u16(CODE_SEGMENT); // jmp code:second sector
        code.padTo(gdt);
        code.u32(0).u32(0); // the null segment
        code.u32(0x0000ffff).u32(0x00cf9a00); // code: base 0, limit 4 GiB, 32-bit, execute and read
        code.u32(0x0000ffff).u32(0x00cf9200); // data: base 0, limit 4 GiB, 32-bit, read and write
        code.u16(23).u32(ORIGIN + gdt); // gdtr: limit, address
        code.bytes(0x55, 0xaa); // what makes it a boot sector
    }
}
