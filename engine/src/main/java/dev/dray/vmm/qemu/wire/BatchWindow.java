package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import org.jspecify.annotations.Nullable;

/// Keeps a stream's window on the slab of the batch that is being filled, so that page bytes are read once, to
/// where they stay. Only what is cut by the end of a slab is moved, to the start of the next.
///
/// Invariants: between [#begin] and [#end] there is a batch and the window is pinned to its slab; every address
/// in the batch is below the window's position.
final class BatchWindow {
    /// A slab has room for the largest item between memory sections, a command, and then some pages.
    static final int SLAB_BYTES_MIN = 256 << 10;

    private final StreamInput in;
    private final PageDestination destination;
    private @Nullable PageBatch batch;

    BatchWindow(StreamInput in, PageDestination destination) {
        this.in = in;
        this.destination = destination;
    }

    boolean begun() {
        return batch != null;
    }

    PageBatch batch() {
        if (batch == null) {
            throw new IllegalStateException("no batch");
        }
        return batch;
    }

    void begin() throws DrayException {
        PageBatch first = destination.take();
        if (first.slab().byteSize() < SLAB_BYTES_MIN) {
            throw new IllegalStateException("a slab of " + first.slab().byteSize() + " bytes");
        }
        batch = first;
        in.pinTo(first.slab());
    }

    /// Makes sure that `bytes` bytes fit into the window behind its position.
    void makeRoom(int bytes) throws DrayException {
        if (in.room() < bytes) {
            turn();
        }
    }

    /// Submits the batch and goes on in another one's slab; with no page in it, in the same one's.
    void turn() throws DrayException {
        PageBatch full = batch();
        in.unpin();
        if (full.count() > 0) {
            batch = null;
            destination.submit(full);
            batch = destination.take();
        }
        in.pinTo(batch().slab());
    }

    /// Submits what has been read and goes on.
    void submit() throws DrayException {
        if (batch().count() > 0) {
            turn();
        }
    }

    /// Submits what has been read and lets go of the slab.
    void end() throws DrayException {
        PageBatch last = batch();
        in.unpin();
        batch = null;
        if (last.count() > 0) {
            destination.submit(last);
        } else {
            destination.giveBack(last);
        }
    }

    /// Gives the batch back after a failure.
    void abandon() {
        if (batch != null) {
            destination.giveBack(batch);
            batch = null;
        }
    }
}
