package dev.dray.vmm;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;

/// Where a captured guest goes.
public interface CaptureStore {
    /// Called once, when the guest's memory map is known and before the first page.
    PageDestination pages(GuestMemoryMap map) throws DrayException;

    /// Everything has arrived: makes the snapshot durable and visible. When it returns, the guest may be let go.
    void commit(CapturedMachine machine) throws DrayException;
}
