package dev.dray.testbed;

/// The smallest guest that keeps a migration busy: a boot sector that for ever writes its pass number into 128
/// pages (64 KiB … 576 KiB), and a dot to the first serial port after every 256 passes.
///
/// Every pass toggles CR0.WP, on which TCG forgets its translations: QEMU 7.2 does not see writes through
/// those it made before a round of dirty tracking, and would lose pages of a guest that fits into its
/// software TLB.
final class TinyGuest {
    private static final int SECTOR_BYTES = 512;

    private TinyGuest() {}

    /// A floppy image of one sector.
    static byte[] floppy() {
        // spotless:off
        int[] code = {
            0xFA,                         //  0        cli
            0x31, 0xDB,                   //  1        xor bx, bx
            0x43,                         //  3 pass:  inc bx
            0xB8, 0x00, 0x10,             //  4        mov ax, 0x1000
            0x8E, 0xC0,                   //  7 page:  mov es, ax
            0x26, 0x89, 0x1E, 0x00, 0x00, //  9        mov [es:0], bx
            0x05, 0x00, 0x01,             // 14        add ax, 0x100
            0x3D, 0x00, 0x90,             // 17        cmp ax, 0x9000
            0x72, 0xF1,                   // 20        jb page
            0x0F, 0x20, 0xC0,             // 22        mov eax, cr0
            0x66, 0x35, 0, 0, 0x01, 0,    // 25        xor eax, 0x10000
            0x0F, 0x22, 0xC0,             // 31        mov cr0, eax
            0x84, 0xDB,                   // 34        test bl, bl
            0x75, 0xDD,                   // 36        jnz pass
            0xBA, 0xF8, 0x03,             // 38        mov dx, 0x3f8
            0xB0, 0x2E,                   // 41        mov al, '.'
            0xEE,                         // 43        out dx, al
            0xEB, 0xD5,                   // 44        jmp pass
        };
        // spotless:on
        var sector = new byte[SECTOR_BYTES];
        for (int i = 0; i < code.length; i++) {
            sector[i] = (byte) code[i];
        }
        sector[SECTOR_BYTES - 2] = 0x55;
        sector[SECTOR_BYTES - 1] = (byte) 0xAA;
        return sector;
    }
}
