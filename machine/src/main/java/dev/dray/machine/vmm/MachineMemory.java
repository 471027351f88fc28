package dev.dray.machine.vmm;

import dev.dray.memory.GuestMemoryMap;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// All memory of a machine. A Java guest has no page tables that could tell who wrote what, so everything that the
/// guest or a device writes goes through [#write]: there it is logged, and while the memory is frozen
/// ([FrozenPages]), the old content is saved first. Nor can its accesses fault, so while pages are missing
/// ([MissingPages]), the guest asks for each with [#touch] before it looks at it.
public final class MachineMemory implements AutoCloseable {
    private final List<MemoryBlock> blocks;
    private final int mainBlocks;
    private volatile @Nullable FrozenPages frozen;
    private volatile @Nullable MissingPages missing;

    private MachineMemory(List<MemoryBlock> blocks, int mainBlocks) {
        this.blocks = List.copyOf(blocks);
        this.mainBlocks = mainBlocks;
    }

    /// Zeroed memory of this layout. The first block is main memory.
    public static MachineMemory create(List<MemoryBlock.Layout> layouts) {
        return new MachineMemory(layouts.stream().map(MemoryBlock::create).toList(), 1);
    }

    /// Memory of these blocks, which it owns from now on. All of them are main memory.
    public static MachineMemory of(List<MemoryBlock> blocks) {
        return new MachineMemory(blocks, blocks.size());
    }

    /// How many pages main memory has. They are numbered through all of its blocks.
    public long mainPages() {
        return blocks.stream().limit(mainBlocks).mapToLong(MemoryBlock::pages).sum();
    }

    /// The block in which a page of main memory is.
    public int mainBlock(long page) {
        long first = 0;
        for (int i = 0; i < mainBlocks; i++) {
            long end = first + blocks.get(i).pages();
            if (page < end) {
                return i;
            }
            first = end;
        }
        throw new IndexOutOfBoundsException("page " + page + " of main memory");
    }

    /// The number of the first page of one of main memory's blocks.
    public long mainFirst(int block) {
        long first = 0;
        for (int i = 0; i < block; i++) {
            first += blocks.get(i).pages();
        }
        return first;
    }

    /// From now on pages are missing until they are placed.
    public MissingPages unmap() {
        MissingPages pages = new MissingPages(this);
        missing = pages;
        return pages;
    }

    /// Makes sure that a page can be looked at: while pages are missing, it waits until this one is there.
    ///
    /// @param giveUp asked while it waits
    /// @return false if it gave up
    public boolean touch(int block, long page, BooleanSupplier giveUp) {
        MissingPages now = missing;
        return now == null || now.await(block, page, giveUp);
    }

    /// The blocks, in the order in which dialects list them.
    public List<MemoryBlock> blocks() {
        return blocks;
    }

    public MemoryBlock block(int index) {
        return blocks.get(index);
    }

    /// The index of the block of this name, or -1.
    public int indexOf(String name) {
        return map().indexOf(name);
    }

    public GuestMemoryMap map() {
        return new GuestMemoryMap(blocks.stream().map(MemoryBlock::region).toList());
    }

    /// Makes sure that the next [#write] to this page need not wait: while memory is frozen, it waits until the page's
    /// old content is saved.
    ///
    /// @param giveUp asked while it waits
    /// @return false if it gave up
    public boolean prepareWrite(int block, long page, BooleanSupplier giveUp) {
        if (!touch(block, page, giveUp)) {
            return false;
        }
        FrozenPages now = frozen;
        return now == null || now.saveBeforeWrite(block, page, giveUp);
    }

    /// The one way to change a page.
    public void write(int block, long page, Consumer<MemorySegment> change) {
        prepareWrite(block, page, () -> false);
        MemoryBlock target = blocks.get(block);
        change.accept(target.page(page));
        target.written().mark(page);
    }

    /// Forgets what was written so far.
    public void clearLog() {
        blocks.forEach(block -> block.written().clear());
    }

    /// Holds on to the content of this moment. Nobody may write meanwhile: the guest stands still.
    public FrozenPages freeze() {
        if (frozen != null) {
            throw new IllegalStateException("memory is frozen already");
        }
        FrozenPages all = new FrozenPages(this);
        frozen = all;
        return all;
    }

    /// Ends [#freeze]; whoever waits to write goes on.
    public void thaw() {
        FrozenPages all = frozen;
        frozen = null;
        if (all != null) {
            all.release();
        }
    }

    /// Ends every wait: pages that are missing count as there, with what is in them.
    public void release() {
        thaw();
        MissingPages now = missing;
        if (now != null) {
            now.end();
        }
    }

    @Override
    public void close() {
        release();
        blocks.forEach(MemoryBlock::close);
    }
}
