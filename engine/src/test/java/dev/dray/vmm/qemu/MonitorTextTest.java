package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import java.util.List;
import org.junit.jupiter.api.Test;

class MonitorTextTest {
    /// As QEMU 11.1.3 prints it.
    private static final String RAM_BLOCKS = """
                          Block Name    PSize              Offset               Used              Total                HVA  RO
                              pc.ram    4 KiB  0x0000000000000000 0x0000000002000000 0x0000000002000000 0x00007fea61400000  rw
                                hp0     2 MiB  0x0000000010000000 0x0000000040000000 0x0000000040000000 0x00007fea61400000  rw
                /rom@etc/acpi/tables    4 KiB  0x0000000003140000 0x0000000000020000 0x0000000000200000 0x00007fea51800000  ro
            """;

    private static final String FLAT_VIEWS = """
            FlatView #0
             AS "I/O", root: io
              0000000000000000-0000000000000007 (prio 0, i/o): dma-chan

            FlatView #1
             AS "memory", root: system
             AS "cpu-memory-0", root: system
             Root memory region: system
              0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM
              00000000000c0000-00000000000dffff (prio 1, rom): pc.rom
              0000000000100000-0000000001ffffff (prio 0, ram): pc.ram @0000000000100000 KVM
              00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram
            """;

    @Test
    void readsTheTableOfRamBlocks() {
        assertThat(MonitorText.ramBlocks(RAM_BLOCKS))
                .containsExactly(
                        new RamBlock("pc.ram", 4096, 32 << 20, 32 << 20),
                        new RamBlock("hp0", 2 << 20, 1 << 30, 1 << 30),
                        new RamBlock("/rom@etc/acpi/tables", 4096, 128 << 10, 2 << 20));
    }

    @Test
    void findsWhereARegionLiesInGuestPhysicalMemory() {
        assertThat(MonitorText.gpas(FLAT_VIEWS, new MemoryRegion("pc.ram", 32 << 20, 4096, List.of())))
                .containsExactly(new GpaRange(0, 0, 0xa0000), new GpaRange(0x100000, 0x100000, 0x1f00000));
        assertThat(MonitorText.gpas(FLAT_VIEWS, new MemoryRegion("0000:00:02.0/vga.vram", 16 << 20, 4096, List.of())))
                .containsExactly(new GpaRange(0xfd000000L, 0, 16 << 20));
    }

    @Test
    void saysNothingOfWhatItDoesNotUnderstand() {
        assertThat(MonitorText.ramBlocks("nothing\nlike 1 a table")).isEmpty();
        assertThat(MonitorText.gpas("", new MemoryRegion("pc.ram", 4096, 4096, List.of())))
                .isEmpty();
    }
}
