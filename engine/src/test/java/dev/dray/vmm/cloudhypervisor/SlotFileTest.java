package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class SlotFileTest {
    private static final long HUGE_BYTES = 2 << 20;

    /// More than any host of ours has in huge pages.
    private static final long REGION_BYTES = 1L << 42;

    /// The region spans all that its guest may ever plug; to touch a huge page that nobody has would be fatal.
    @Test
    void aSlotOfVirtioMemTakesNoMoreHugePagesThanHaveSomethingInThem() throws Exception {
        Path pool = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
        Assumptions.assumeTrue(Files.exists(pool), "No huge pages of 2 MiB");
        boolean some = !Files.readString(pool).strip().equals("0");
        var slot = new RamSlot(1, 0, REGION_BYTES, "mem0", true, 0);
        MemorySegment page = NativeMemory.map(PageSize.BYTES);
        byte[] kinds = {(byte) PageKind.CONTENT.ordinal()};
        try (SlotFile file = SlotFile.create(List.of(slot), List.of(HUGE_BYTES)).getFirst()) {
            if (some) {
                file.write(5, 1, page.address(), kinds);
            } else {
                assertThatThrownBy(() -> file.write(5, 1, page.address(), kinds))
                        .isInstanceOfSatisfying(
                                MachineException.class,
                                e -> assertThat(e.whatToDo()).contains("huge pages"));
            }
        } finally {
            NativeMemory.unmap(page);
        }
    }
}
