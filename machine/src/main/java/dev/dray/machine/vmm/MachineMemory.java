package dev.dray.machine.vmm;

import dev.dray.memory.GuestMemoryMap;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// All memory of a machine. A Java guest has no page tables that could tell who wrote what, so everything that the
/// guest or a device writes goes through [#write]: there it is logged, and while the memory is frozen
/// ([FrozenPages]), the old content is saved first.
public final class MachineMemory implements AutoCloseable {
    private final List<MemoryBlock> blocks;
    private volatile @Nullable FrozenPages frozen;

    private MachineMemory(List<MemoryBlock> blocks) {
        this.blocks = blocks;
    }

    /// Zeroed memory of this layout.
    public static MachineMemory create(List<MemoryBlock.Layout> layouts) {
        return new MachineMemory(layouts.stream().map(MemoryBlock::create).toList());
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

    @Override
    public void close() {
        thaw();
        blocks.forEach(MemoryBlock::close);
    }
}
