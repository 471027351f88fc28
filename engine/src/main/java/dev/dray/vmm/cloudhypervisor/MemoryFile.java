package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Lseek;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Statx;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// One slot of a guest's memory, behind a descriptor that the VMM has sent, and what is known of each of its
/// pages. Read by system calls only: a mapping would plant pages of zeros where the file has holes, and kill
/// Dray where it is cut.
///
/// The descriptor shares its position with the VMM's, so the file is opened anew.
final class MemoryFile implements AutoCloseable {
    /// What is kept of a page that was never seen: a hole from the beginning.
    static final long NEVER = 0;

    /// What is kept of a page of zeros.
    static final long ZEROS = 1;

    private final RamSlot slot;
    private final int region;
    private final Fd fd;
    private final MemorySegment sums;

    private MemoryFile(RamSlot slot, int region, Fd fd) {
        this.slot = slot;
        this.region = region;
        this.fd = fd;
        this.sums = NativeMemory.map(PageSize.pages(slot.bytes()) * Long.BYTES);
    }

    /// @param sent stays the caller's
    /// @throws PeerException if the file is shorter than the slot
    static MemoryFile open(RamSlot slot, int region, Fd sent) throws DrayException {
        try {
            long bytes = Statx.of(sent).bytes();
            if (bytes < slot.fileOffset() + slot.bytes()) {
                throw new PeerException(
                        "The file of memory slot " + slot.slot() + " has " + bytes + " bytes, too few for "
                                + slot.bytes() + " at " + slot.fileOffset(),
                        "report this");
            }
            Fd own = OpenFile.reopen(sent, OpenFile.O_RDONLY);
            try {
                return new MemoryFile(slot, region, own);
            } catch (OutOfMemoryError e) {
                own.close();
                throw e;
            }
        } catch (SysException e) {
            throw new MachineException(
                    "The memory of slot " + slot.slot() + " cannot be opened: " + e.getMessage(),
                    "run Dray as the VMM's user, or as root",
                    e);
        }
    }

    int region() {
        return region;
    }

    long pages() {
        return PageSize.pages(slot.bytes());
    }

    /// What is kept of a page.
    long sum(long page) {
        return sums.get(ValueLayout.JAVA_LONG, page * Long.BYTES);
    }

    void setSum(long page, long sum) {
        sums.set(ValueLayout.JAVA_LONG, page * Long.BYTES, sum);
    }

    /// Reads pages; holes are zeros, and stay holes.
    void read(long first, int count, long address) throws DrayException {
        long offset = slot.fileOffset() + PageSize.offset(first);
        long bytes = PageSize.offset(count);
        try {
            long done = 0;
            while (done < bytes) {
                long got = FileIo.pread(fd, address + done, bytes - done, offset + done);
                if (got == 0) {
                    throw new PeerException(
                            "The file of memory slot " + slot.slot() + " was cut at " + (offset + done),
                            "see who else has the guest's memory open");
                }
                done += got;
            }
        } catch (SysException e) {
            throw new MachineException("The guest's memory cannot be read: " + e.getMessage(), "", e);
        }
    }

    /// The first page from this one on that is not in a hole; [#pages] if there is none.
    long data(long page) throws MachineException {
        try {
            long at = Lseek.data(fd, slot.fileOffset() + PageSize.offset(page));
            return at == Lseek.NONE ? pages() : Math.clamp(PageSize.index(at - slot.fileOffset()), page, pages());
        } catch (SysException e) {
            return page; // a file system that does not tell: all of it is read
        }
    }

    /// The end of the pages with bytes that begin here.
    long hole(long page) throws MachineException {
        try {
            long at = Lseek.hole(fd, slot.fileOffset() + PageSize.offset(page));
            return at == Lseek.NONE ? pages() : Math.clamp(PageSize.pages(at - slot.fileOffset()), page + 1, pages());
        } catch (SysException e) {
            return pages();
        }
    }

    @Override
    public void close() {
        fd.close();
        NativeMemory.unmap(sums);
    }
}
