package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fallocate;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Memfd;
import dev.dray.linux.Mmap;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.SysException;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import java.util.ArrayList;
import java.util.List;

/// The file behind one slot of guest memory, made here and mapped by the VMM. Pages of it are written once, before the
/// guest can see them: rewriting one that is present would undo what the guest wrote.
///
/// Files of huge pages take no writes; they are filled through a mapping of ours, by `memcpy`. Of a slot of virtio-mem,
/// which spans all that its guest may ever plug, no more huge pages are set aside than have something in them.
final class SlotFile implements AutoCloseable {
    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    private final RamSlot slot;
    private final Fd fd;
    private final long fileBytes;
    private final long mapping;

    private SlotFile(RamSlot slot, Fd fd, long fileBytes, long mapping) {
        this.slot = slot;
        this.fd = fd;
        this.fileBytes = fileBytes;
        this.mapping = mapping;
    }

    /// Files of holes, one for each slot, in their order. A file reaches to the end of its slot: the VMM does not look,
    /// and dies when it touches what is not there.
    ///
    /// @param pageBytes size of the host pages behind each slot
    static List<SlotFile> create(List<RamSlot> slots, List<Long> pageBytes) throws DrayException {
        var files = new ArrayList<SlotFile>();
        try {
            for (int i = 0; i < slots.size(); i++) {
                files.add(create(slots.get(i), pageBytes.get(i)));
            }
            return files;
        } catch (SysException e) {
            files.forEach(SlotFile::close);
            throw outOfMemory("The guest's memory cannot be made: ", e);
        }
    }

    private static SlotFile create(RamSlot slot, long pageBytes) throws SysException {
        long bytes = (slot.fileOffset() + slot.bytes() + pageBytes - 1) & -pageBytes;
        if (pageBytes == PageSize.BYTES) {
            return new SlotFile(slot, Memfd.create(slot.regionName(), bytes), bytes, 0);
        }
        Fd fd = Memfd.createHuge(slot.regionName(), bytes, pageBytes);
        try {
            long mapping = slot.virtioMem() ? Mmap.mapSharedUnreserved(fd, bytes) : Mmap.mapShared(fd, bytes);
            return new SlotFile(slot, fd, bytes, mapping);
        } catch (SysException e) {
            fd.close();
            throw e;
        }
    }

    RamSlot slot() {
        return slot;
    }

    Fd fd() {
        return fd;
    }

    /// Puts decoded pages in a row into their places. Only contents are written; the rest stays as it is.
    ///
    /// @param first number of the first page in the slot
    /// @param address of the first page's bytes; the others follow
    /// @param kinds what the pages are, ordinals of [PageKind]
    void write(long first, int count, long address, byte[] kinds) throws MachineException {
        try {
            int i = 0;
            while (i < count) {
                int from = i;
                boolean content = kinds[i] == CONTENT;
                while (i < count && (kinds[i] == CONTENT) == content) {
                    i++;
                }
                if (content) {
                    write(first + from, i - from, address + PageSize.offset(from));
                }
            }
        } catch (SysException e) {
            throw outOfMemory("The guest's memory cannot be written: ", e);
        }
    }

    private void write(long page, int count, long address) throws SysException {
        long offset = slot.fileOffset() + PageSize.offset(page);
        long bytes = PageSize.offset(count);
        if (mapping != 0) {
            if (slot.virtioMem()) {
                Fallocate.materialise(fd, offset, bytes); // nothing is set aside for it
            }
            NativeMemory.copy(mapping + offset, address, bytes);
        } else {
            FileIo.pwriteAll(fd, address, bytes, offset);
        }
    }

    /// Makes pages of zeros where there are holes, and changes nothing else: what the VMM is told to be present has to
    /// be.
    void materialise(long first, long count) throws MachineException {
        try {
            Fallocate.materialise(fd, slot.fileOffset() + PageSize.offset(first), PageSize.offset(count));
        } catch (SysException e) {
            throw outOfMemory("The guest's memory cannot be made: ", e);
        }
    }

    private static MachineException outOfMemory(String what, SysException e) {
        boolean memory = e.errno() == Errno.ENOMEM || e.errno() == Errno.ENOSPC;
        return new MachineException(
                what + e.getMessage(),
                memory ? "free memory, or huge pages, on this host" : "see what the system says",
                e);
    }

    @Override
    public void close() {
        if (mapping != 0) {
            Mmap.unmap(mapping, fileBytes);
        }
        fd.close();
    }
}
