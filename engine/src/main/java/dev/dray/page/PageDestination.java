package dev.dray.page;

import dev.dray.error.DrayException;

/// Takes the pages of one guest. A page may be submitted again; the submission that came last counts. Called
/// by one thread at a time.
public interface PageDestination {
    /// An empty batch to fill; waits while too many are in flight, so that memory stays bounded.
    PageBatch take() throws DrayException;

    /// How many batches there are: who holds them all at once waits in vain for another.
    default int batches() {
        return 2;
    }

    /// Hands a batch over. An error of earlier batches is thrown here or by [#drain()].
    void submit(PageBatch batch) throws DrayException;

    /// Gives an unused batch back.
    void giveBack(PageBatch batch);

    /// Waits until every submitted batch is processed (not yet durable).
    void drain() throws DrayException;
}
