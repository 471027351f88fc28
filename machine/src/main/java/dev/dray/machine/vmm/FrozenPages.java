package dev.dray.machine.vmm;

import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;

/// The content that memory had at one instant, taken page by page while the guest runs on. Whoever wants to write a
/// page that was not taken yet puts a copy of it aside first; if no room is left for copies, it waits until the taker
/// has caught up.
///
/// Invariant: every page is taken exactly once, with the content of the instant.
public final class FrozenPages {
    /// Room for copies: 16 MiB. A guest that writes faster than the taker is slowed down to its speed beyond this.
    static final int ASIDE_PAGES_MAX = 4096;

    /// How long a waiting writer sleeps before it asks whether to give up.
    private static final long WAIT_MS = 1;

    private final MachineMemory memory;
    private final List<BitSet> saved;
    private final MemorySegment aside = NativeMemory.map((long) ASIDE_PAGES_MAX * PageSize.BYTES);
    private final Deque<Copy> copies = new ArrayDeque<>();
    private final Deque<Long> freeSlots = new ArrayDeque<>();
    private int cursorBlock;
    private long cursorPage;
    private boolean released;
    private int takenBlock;
    private long takenPage;

    /// A page that was put aside.
    private record Copy(int block, long page, long slot) {}

    FrozenPages(MachineMemory memory) {
        this.memory = memory;
        saved = memory.blocks().stream().map(_ -> new BitSet()).toList();
        for (long slot = 0; slot < ASIDE_PAGES_MAX; slot++) {
            freeSlots.add(slot);
        }
    }

    /// Before a write: see [MachineMemory#prepareWrite].
    synchronized boolean saveBeforeWrite(int block, long page, BooleanSupplier giveUp) {
        while (!released && !saved.get(block).get((int) page)) {
            Long slot = freeSlots.poll();
            if (slot != null) {
                MemorySegment copy = aside.asSlice(PageSize.offset(slot), PageSize.BYTES);
                copy.copyFrom(memory.block(block).page(page));
                copies.add(new Copy(block, page, slot));
                saved.get(block).set((int) page);
            } else if (giveUp.getAsBoolean()) {
                return false;
            } else {
                try {
                    wait(WAIT_MS);
                } catch (InterruptedException _) {
                    // Only a machine that is being closed interrupts its threads, and it thaws its memory first.
                    Thread.currentThread().interrupt();
                }
            }
        }
        return true;
    }

    /// Takes one page, first those that were put aside: copies its content to `into` and tells its place by
    /// [#takenBlock()] and [#takenPage()]. One thread takes.
    ///
    /// @return false if all were taken, or the memory has thawed
    public synchronized boolean takeNext(MemorySegment into) {
        if (released) {
            return false;
        }
        Copy copy = copies.poll();
        if (copy != null) {
            into.copyFrom(aside.asSlice(PageSize.offset(copy.slot), PageSize.BYTES));
            takenBlock = copy.block;
            takenPage = copy.page;
            freeSlots.add(copy.slot);
            notifyAll();
            return true;
        }
        while (cursorBlock < saved.size()) {
            cursorPage = saved.get(cursorBlock).nextClearBit((int) cursorPage);
            if (cursorPage < memory.block(cursorBlock).pages()) {
                saved.get(cursorBlock).set((int) cursorPage);
                into.copyFrom(memory.block(cursorBlock).page(cursorPage));
                takenBlock = cursorBlock;
                takenPage = cursorPage;
                return true;
            }
            cursorBlock++;
            cursorPage = 0;
        }
        return false;
    }

    /// The block of the page taken last.
    public int takenBlock() {
        return takenBlock;
    }

    /// The page taken last.
    public long takenPage() {
        return takenPage;
    }

    synchronized void release() {
        released = true;
        copies.clear();
        NativeMemory.unmap(aside);
        notifyAll();
    }
}
