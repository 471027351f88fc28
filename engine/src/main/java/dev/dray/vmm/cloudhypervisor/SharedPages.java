package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Pages in files that the VMM maps too: an answer only says that a page is there now. It must be, zero or not, or the
/// VMM's handler fails; so what is zero is made, in runs.
final class SharedPages implements PageAnswers {
    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    private final List<SlotFile> files;
    private final int[] unitPages;
    private final boolean givesBack;
    private final MemorySegment ok = NativeMemory.map(ResponseHeader.BYTES);

    /// @param files of all regions, in their order; not closed here
    /// @param givesBack whether the guest may give pages back, also such as nobody has asked for yet
    SharedPages(List<SlotFile> files, int[] unitPages, boolean givesBack) {
        this.files = files;
        this.unitPages = unitPages;
        this.givesBack = givesBack;
        new ResponseHeader(ResponseHeader.OK, 0).write(ok, 0);
    }

    @Override
    public void take(int region, long first, int count, long address, byte[] kinds) throws DrayException {
        SlotFile file = files.get(region);
        int unit = unitPages[region];
        if (unit > 1 && first % unit == 0) {
            file.materialise(first, unit);
        }
        file.write(first, count, address, kinds);
        if (unit > 1) {
            return;
        }
        int i = 0;
        while (i < count) {
            int from = i;
            while (i < count && kinds[i] != CONTENT) {
                i++;
            }
            if (i > from) {
                file.materialise(first + from, i - from);
            }
            i++;
        }
    }

    /// A page may be asked for after the guest gave it back (a balloon), also for the first time, and is a hole then.
    /// What the snapshot says of it is not true any more: zeros are right, and of a page that is there nothing may
    /// change.
    @Override
    public void answer(Connection to, int region, long first, long pages, boolean repeat) throws DrayException {
        if (repeat || givesBack) {
            int unit = unitPages[region];
            long from = first / unit * unit;
            files.get(region).materialise(from, (first + pages - from + unit - 1) / unit * unit);
        }
        to.write(ok.address(), ResponseHeader.BYTES);
    }

    @Override
    public boolean dropsAnswered() {
        return false;
    }

    @Override
    public void close() {
        NativeMemory.unmap(ok);
    }
}
