package dev.dray.machine.vmm;

import dev.dray.linux.Fd;
import dev.dray.linux.Memfd;
import dev.dray.linux.SysException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// One contiguous, named piece of a machine's memory: a memfd, mapped into this process.
public final class MemoryBlock implements AutoCloseable {
    /// What a block is to be.
    ///
    /// @param name unique in the machine
    /// @param bytes how much of it is in use
    /// @param maxBytes how far its use can grow, at least `bytes`; the memfd has this length
    /// @param isReadOnly whether the guest may only read it
    /// @param gpas where the guest sees it; empty if nowhere
    public record Layout(String name, long bytes, long maxBytes, boolean isReadOnly, List<GpaRange> gpas) {
        public Layout {
            gpas = List.copyOf(gpas);
            if (!PageSize.isAligned(bytes) || bytes > maxBytes || maxBytes > MemoryRegion.BYTES_MAX) {
                throw new IllegalArgumentException("memory " + name + " of " + bytes + " to " + maxBytes + " bytes");
            }
        }
    }

    private final Layout layout;
    private final Fd memfd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final PageLog written;

    private MemoryBlock(Layout layout, Fd memfd, long fileOffset) throws IOException {
        this.layout = layout;
        this.memfd = memfd;
        this.written = new PageLog(layout.bytes());
        // The kernel's own name for the descriptor saves a native mapping: this one is bounds-checked, and
        // unmapped with its arena.
        try (FileChannel file = FileChannel.open(
                Path.of("/proc/self/fd/" + memfd.number()), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (file.size() < fileOffset + layout.maxBytes()) {
                throw new IOException(
                        "a file of " + file.size() + " bytes for " + layout.maxBytes() + " at " + fileOffset);
            }
            memory = file.map(FileChannel.MapMode.READ_WRITE, fileOffset, layout.maxBytes(), arena);
        }
    }

    /// Zeroed memory.
    public static MemoryBlock create(Layout layout) {
        try {
            return adopt(layout, Memfd.create(layout.name(), layout.maxBytes()), 0);
        } catch (SysException e) {
            throw new IllegalStateException("no memory for " + layout.name(), e);
        }
    }

    /// Memory that is in a file already. The descriptor is the block's from now on.
    ///
    /// @param fileOffset where in the file it begins
    public static MemoryBlock adopt(Layout layout, Fd file, long fileOffset) {
        try {
            return new MemoryBlock(layout, file, fileOffset);
        } catch (IOException e) {
            file.close();
            throw new UncheckedIOException("cannot map " + layout.name(), e);
        }
    }

    public Layout layout() {
        return layout;
    }

    public String name() {
        return layout.name();
    }

    /// How many bytes are in use.
    public long bytes() {
        return layout.bytes();
    }

    public long pages() {
        return PageSize.pages(layout.bytes());
    }

    /// The memfd, for a hand-over; it stays the block's.
    public Fd memfd() {
        return memfd;
    }

    /// All its memory. Whoever writes here by another way than [MachineMemory#write] writes behind the log's back, as a
    /// test does that wants a wrong page.
    public MemorySegment memory() {
        return memory;
    }

    public MemorySegment page(long index) {
        return memory.asSlice(PageSize.offset(index), PageSize.BYTES);
    }

    /// The pages that were written since they were last taken from the log.
    public PageLog written() {
        return written;
    }

    /// As the engine's words describe it.
    public MemoryRegion region() {
        return new MemoryRegion(layout.name(), layout.bytes(), PageSize.BYTES, layout.gpas());
    }

    @Override
    public void close() {
        arena.close();
        memfd.close();
    }
}
