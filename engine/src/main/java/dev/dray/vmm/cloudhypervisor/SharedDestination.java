package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.util.concurrent.Semaphore;

/// Lets several connections fill one destination, each a batch of its own at a time. What is submitted before
/// an answer goes out is older than all that the peer sends after it: so of two writes to a page the later one
/// counts, also where they come over two connections.
///
/// One batch fewer than there are is given out: so whoever waits for a batch, with the lock, waits only for the
/// workers behind the destination, never for somebody who wants the lock.
final class SharedDestination implements PageDestination {
    private final PageDestination destination;
    private final Semaphore out;

    SharedDestination(PageDestination destination) {
        this.destination = destination;
        this.out = new Semaphore(Math.max(1, destination.batches() - 1));
    }

    @Override
    public PageBatch take() throws DrayException {
        try {
            out.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedOperation("Interrupted", "", e);
        }
        boolean taken = false;
        try {
            synchronized (this) {
                PageBatch batch = destination.take();
                taken = true;
                return batch;
            }
        } finally {
            if (!taken) {
                out.release();
            }
        }
    }

    @Override
    public void submit(PageBatch batch) throws DrayException {
        try {
            synchronized (this) {
                destination.submit(batch);
            }
        } finally {
            out.release();
        }
    }

    @Override
    public void giveBack(PageBatch batch) {
        synchronized (this) {
            destination.giveBack(batch);
        }
        out.release();
    }

    @Override
    public synchronized void drain() throws DrayException {
        destination.drain();
    }
}
