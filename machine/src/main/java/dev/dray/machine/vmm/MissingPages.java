package dev.dray.machine.vmm;

import dev.dray.memory.PageSize;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;

/// Pages of a running machine that are not there yet: what userfaultfd is to a real one. Whoever looks at one that is
/// missing waits, and is heard by the one thread that places pages.
///
/// A page is named by its block and its number in it, or by one number of both ([#fault]). Any number of threads wait,
/// one places.
public final class MissingPages {
    /// How long a waiting thread sleeps before it asks whether to give up.
    private static final long WAIT_MS = 1;

    private static final int BLOCK_SHIFT = 40;

    private static final int WAITS_KEPT = 1 << 16;

    private final List<AtomicLongArray> there;
    private final Deque<Long> faults = new ArrayDeque<>();
    private final Durations waits = new Durations(WAITS_KEPT);
    private volatile boolean over;

    MissingPages(MachineMemory memory) {
        there = memory.blocks().stream()
                .map(block -> new AtomicLongArray(Math.toIntExact((block.pages() + 63) / 64)))
                .toList();
    }

    /// The number under which [#nextFault] names a page.
    public static long fault(int block, long page) {
        return ((long) block << BLOCK_SHIFT) | page;
    }

    public static int block(long fault) {
        return (int) (fault >> BLOCK_SHIFT);
    }

    public static long page(long fault) {
        return fault & ((1L << BLOCK_SHIFT) - 1);
    }

    /// Waits until a page is there: see [MachineMemory#touch].
    boolean await(int block, long page, BooleanSupplier giveUp) {
        if (over || isThere(block, page)) {
            return true;
        }
        long from = System.nanoTime();
        synchronized (this) {
            faults.add(fault(block, page));
            notifyAll();
            while (!over && !isThere(block, page)) {
                if (giveUp.getAsBoolean()) {
                    return false;
                }
                try {
                    wait(WAIT_MS);
                } catch (InterruptedException _) {
                    interrupted();
                }
            }
            waits.add(System.nanoTime() - from);
        }
        return true;
    }

    /// How long each wait took that ended with the page.
    public synchronized String waits() {
        return waits.summary("wait");
    }

    public boolean isThere(int block, long page) {
        return (there.get(block).get((int) (page / 64)) & (1L << (page % 64))) != 0;
    }

    /// The page that somebody has waited for longest, each wait once; its page may have come by now.
    public synchronized OptionalLong nextFault() {
        Long fault = faults.poll();
        return fault == null ? OptionalLong.empty() : OptionalLong.of(fault);
    }

    /// Waits for somebody to wait.
    public synchronized void awaitFault() {
        while (faults.isEmpty() && !over) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted();
            }
        }
    }

    /// The page is there; who waits for it goes on.
    public void place(int block, long page) {
        there.get(block).accumulateAndGet((int) (page / 64), 1L << (page % 64), (old, bit) -> old | bit);
        synchronized (this) {
            notifyAll();
        }
    }

    /// All pages of a block from `offset` on are there.
    public void place(int block, long offset, long bytes) {
        for (long page = PageSize.index(offset); page < PageSize.pages(offset + bytes); page++) {
            there.get(block).accumulateAndGet((int) (page / 64), 1L << (page % 64), (old, bit) -> old | bit);
        }
    }

    /// Nobody places pages any more: what is missing counts as there.
    public synchronized void end() {
        over = true;
        notifyAll();
    }

    public boolean isOver() {
        return over;
    }

    /// Only a machine that is being closed interrupts its threads.
    private void interrupted() {
        over = true;
        Thread.currentThread().interrupt();
    }
}
