package dev.dray.format;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Lseek;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.vmm.OperationWatch;
import org.jspecify.annotations.Nullable;

/// Reads pieces of memory from files, passing over their holes.
final class PieceReader {
    private final PageDestination to;
    private final OperationWatch watch;
    private @Nullable PageBatch batch;
    private long used;

    PieceReader(PageDestination to, OperationWatch watch) {
        this.to = to;
        this.watch = watch;
    }

    void read(Iterable<Piece> pieces) throws DrayException {
        try {
            for (Piece piece : pieces) {
                try (Fd file = OpenFile.open(piece.file(), OpenFile.O_RDONLY, 0)) {
                    read(piece, file);
                } catch (SysException e) {
                    throw new MachineException("Cannot read " + piece.file() + ": " + e.getMessage(), "", e);
                }
            }
            flush();
            to.drain();
        } finally {
            if (batch != null) {
                to.giveBack(batch);
            }
        }
    }

    private void read(Piece piece, Fd file) throws SysException, DrayException {
        long end = piece.fileOffset() + piece.bytes();
        long at = piece.fileOffset();
        while (at < end) {
            long data = Lseek.data(file, at);
            long from = data == Lseek.NONE ? end : Math.min(end, at + down(data - at));
            zeros(piece, at, from);
            if (from < end) {
                long hole = Lseek.hole(file, Math.max(from, data));
                long to = hole == Lseek.NONE ? end : Math.min(end, at + up(hole - at));
                contents(piece, file, from, to);
                at = to;
            } else {
                at = end;
            }
        }
    }

    private static long down(long bytes) {
        return bytes - bytes % PageSize.BYTES;
    }

    private static long up(long bytes) {
        return down(bytes + PageSize.BYTES - 1);
    }

    private void zeros(Piece piece, long from, long to) throws DrayException {
        for (long at = from; at < to; at += PageSize.BYTES) {
            room(0).add(piece.region(), page(piece, at), PageBatch.ZERO);
        }
    }

    private void contents(Piece piece, Fd file, long from, long to) throws SysException, DrayException {
        long at = from;
        while (at < to) {
            PageBatch into = room(PageSize.BYTES);
            long bytes = Math.min(to - at, down(into.slab().byteSize() - used));
            bytes = Math.min(bytes, into.room() * (long) PageSize.BYTES);
            readFully(piece, file, into.slab().address() + used, bytes, at);
            for (long i = 0; i < bytes; i += PageSize.BYTES) {
                into.add(piece.region(), page(piece, at + i), into.slab().address() + used + i);
            }
            used += bytes;
            at += bytes;
        }
    }

    private static void readFully(Piece piece, Fd file, long address, long bytes, long offset)
            throws SysException, MachineException {
        long done = 0;
        while (done < bytes) {
            long count = FileIo.pread(file, address + done, bytes - done, offset + done);
            if (count == 0) {
                throw new MachineException(
                        piece.file() + " became shorter while it was read", "import it when nobody writes it");
            }
            done += count;
        }
    }

    private static long page(Piece piece, long at) {
        return PageSize.index(piece.regionOffset() + (at - piece.fileOffset()));
    }

    /// A batch with room for one more page, and for so many bytes.
    private PageBatch room(long bytes) throws DrayException {
        PageBatch open = batch;
        if (open != null && (open.isFull() || used + bytes > open.slab().byteSize())) {
            flush();
            open = null;
        }
        if (open == null) {
            if (watch.cancelled()) {
                throw new InterruptedOperation("The import was interrupted", "");
            }
            open = to.take();
            batch = open;
            used = 0;
        }
        return open;
    }

    private void flush() throws DrayException {
        PageBatch full = batch;
        if (full != null) {
            batch = null;
            to.submit(full);
        }
    }
}
