package dev.dray.machine.qemu;

import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.PageLog;
import dev.dray.memory.PageSize;
import java.util.Arrays;

/// Which pages are still to be sent while the guest runs: all at first, then those that were written again.
/// Belongs to the sending thread.
final class PrecopyPages {
    private final MachineMemory memory;
    private final long[][] toSend;
    private long left;
    private int block;
    private int word;
    private long page;

    PrecopyPages(MachineMemory memory) {
        this.memory = memory;
        memory.clearLog();
        toSend = new long[memory.blocks().size()][];
        for (int i = 0; i < toSend.length; i++) {
            toSend[i] = all(memory.block(i).pages());
            left += memory.block(i).pages();
        }
    }

    private static long[] all(long pages) {
        long[] words = new long[Math.toIntExact((pages + 63) / 64)];
        Arrays.fill(words, -1L);
        if (pages % 64 != 0) {
            words[words.length - 1] = (1L << (pages % 64)) - 1;
        }
        return words;
    }

    /// Adds the pages that were written since the last time, and starts from the beginning.
    void addWritten() {
        left = 0;
        for (int i = 0; i < toSend.length; i++) {
            PageLog log = memory.block(i).written();
            for (int w = 0; w < log.wordCount(); w++) {
                toSend[i][w] |= log.take(w);
                left += Long.bitCount(toSend[i][w]);
            }
        }
        block = 0;
        word = 0;
    }

    /// What would have to be sent if the guest stopped now; pages that are in both lists count twice.
    long pendingBytes() {
        long pages = left;
        for (MemoryBlock each : memory.blocks()) {
            pages += each.written().count();
        }
        return PageSize.offset(pages);
    }

    boolean isEmpty() {
        return left == 0;
    }

    /// Moves to the next page, which counts as sent from now on.
    ///
    /// @return false if there is none
    boolean next() {
        for (; block < toSend.length; block++, word = 0) {
            for (; word < toSend[block].length; word++) {
                long bits = toSend[block][word];
                if (bits != 0) {
                    toSend[block][word] = bits & (bits - 1);
                    page = 64L * word + Long.numberOfTrailingZeros(bits);
                    left--;
                    return true;
                }
            }
        }
        return false;
    }

    /// The block of the page that [#next] moved to.
    int block() {
        return block;
    }

    /// The page that [#next] moved to.
    long page() {
        return page;
    }
}
