package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;

/// Writes one snapshot: workers identify, compress and seal pages into packs while the source still reads;
/// [#publish] makes everything durable and then, by one last write, visible. Closed without that it leaves
/// nothing behind.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class SnapshotWriter implements AutoCloseable {
    private SnapshotWriter() {}

    /// Where to put the pages of a guest with these regions. Called once; the destination is for one thread.
    public PageDestination pages(GuestMemoryMap memory) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// Drains, makes all packs durable, then the page tables, then the manifest.
    public Snapshot publish(Publication publication) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// How far it is; for any thread.
    public WriterProgress progress() {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void close() {}
}
