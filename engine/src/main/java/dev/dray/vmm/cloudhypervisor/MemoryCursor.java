package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.MachineException;
import java.util.List;

/// Hands out a guest's memory piece by piece, each page once, to any number of threads.
final class MemoryCursor {
    /// Pages read at once: a piece stays in a core's own cache while it is looked at.
    static final int DATA_PAGES = 64;

    private static final int HOLE_PAGES = 1 << 15;

    private final List<MemoryFile> files;
    private int index;
    private long at;
    private long extentEnd;
    private boolean hole;

    MemoryCursor(List<MemoryFile> files) {
        this.files = files;
    }

    /// Pages that follow each other in one file, all of them in a hole or none.
    static final class Piece {
        MemoryFile file;
        long first;
        int count;
        boolean hole;

        Piece(MemoryFile file) {
            this.file = file;
        }
    }

    /// A place for [#next] to write to.
    Piece piece() {
        return new Piece(files.getFirst());
    }

    /// @return false at the end
    synchronized boolean next(Piece into) throws MachineException {
        while (index < files.size() && at == files.get(index).pages()) {
            index++;
            at = 0;
            extentEnd = 0;
        }
        if (index == files.size()) {
            return false;
        }
        MemoryFile file = files.get(index);
        if (at == extentEnd) {
            long data = file.data(at);
            hole = data > at;
            extentEnd = hole ? data : file.hole(at);
        }
        into.file = file;
        into.first = at;
        into.hole = hole;
        into.count = (int) Math.min(hole ? HOLE_PAGES : DATA_PAGES, extentEnd - at);
        at += into.count;
        return true;
    }
}
