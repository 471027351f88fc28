package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.Lseek;
import dev.dray.linux.SysException;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.PageLog;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import java.util.ArrayList;
import java.util.List;

/// A guest's memory by guest-physical address. Block `i` of the memory is slot `i`.
record GuestMemory(MachineMemory memory, List<Slot> slots) {
    /// Most bytes that one request on a worker's connection sends.
    static final long CHUNK_BYTES_MAX = 64 << 20;

    GuestMemory {
        slots = List.copyOf(slots);
    }

    /// Where a range lies in this process.
    long address(long gpa, long bytes) throws PeerException {
        for (int i = 0; i < slots.size(); i++) {
            if (slots.get(i).contains(gpa, bytes)) {
                return memory.block(i).memory().address() + gpa - slots.get(i).gpa();
            }
        }
        throw new PeerException(
                "Guest memory error: no memory for " + bytes + " bytes at 0x" + Long.toHexString(gpa), "");
    }

    /// The slot that a page is in.
    int slotAt(long gpa) throws PeerException {
        for (int i = 0; i < slots.size(); i++) {
            if (slots.get(i).contains(gpa, 1)) {
                return i;
            }
        }
        throw new PeerException("no memory at 0x" + Long.toHexString(gpa), "");
    }

    /// All memory, or of memory in files only what is there.
    List<MemoryRange> all(boolean isSparse) {
        List<MemoryRange> ranges = new ArrayList<>();
        for (int i = 0; i < slots.size(); i++) {
            Slot slot = slots.get(i);
            if (!isSparse) {
                ranges.add(new MemoryRange(slot.gpa(), slot.bytes()));
                continue;
            }
            Fd file = memory.block(i).memfd();
            try {
                long from = Lseek.data(file, slot.fileOffset());
                while (from != Lseek.NONE && from < slot.fileOffset() + slot.bytes()) {
                    long end = Math.min(Lseek.hole(file, from), slot.fileOffset() + slot.bytes());
                    ranges.add(new MemoryRange(slot.gpa() + from - slot.fileOffset(), end - from));
                    from = Lseek.data(file, end);
                }
            } catch (SysException e) {
                throw new IllegalStateException(e);
            }
        }
        return ranges;
    }

    /// What was written since this was asked last.
    List<MemoryRange> takeWritten() {
        List<MemoryRange> ranges = new ArrayList<>();
        for (int i = 0; i < slots.size(); i++) {
            MemoryBlock block = memory.block(i);
            PageLog log = block.written();
            long first = -1;
            for (int word = 0; word < log.wordCount(); word++) {
                long bits = log.take(word);
                for (int bit = 0; bit < Long.SIZE; bit++) {
                    long page = (long) word * Long.SIZE + bit;
                    boolean isWritten = ((bits >>> bit) & 1) != 0;
                    if (isWritten && first < 0) {
                        first = page;
                    } else if (!isWritten && first >= 0) {
                        ranges.add(range(slots.get(i), first, page));
                        first = -1;
                    }
                }
            }
            if (first >= 0) {
                ranges.add(range(slots.get(i), first, block.pages()));
            }
        }
        return ranges;
    }

    private static MemoryRange range(Slot slot, long first, long end) {
        return new MemoryRange(slot.gpa() + PageSize.offset(first), PageSize.offset(end - first));
    }

    static long bytes(List<MemoryRange> ranges) {
        return ranges.stream().mapToLong(MemoryRange::bytes).sum();
    }

    /// Cuts a table into parts of at most so many bytes, as the real one does: the last range first, and of a range
    /// that is cut its end first.
    static List<List<MemoryRange>> partition(List<MemoryRange> table, long bytesMax) {
        List<MemoryRange> left = new ArrayList<>(table);
        List<List<MemoryRange>> parts = new ArrayList<>();
        while (!left.isEmpty()) {
            List<MemoryRange> part = new ArrayList<>();
            long bytes = 0;
            while (bytes < bytesMax && !left.isEmpty()) {
                MemoryRange range = left.removeLast();
                long over = Math.max(0, bytes + range.bytes() - bytesMax);
                if (over > 0) {
                    left.add(new MemoryRange(range.gpa(), over));
                }
                part.add(new MemoryRange(range.gpa() + over, range.bytes() - over));
                bytes += range.bytes() - over;
            }
            parts.add(part);
        }
        return parts;
    }
}
