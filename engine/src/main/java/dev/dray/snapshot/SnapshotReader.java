package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.page.PageReader;
import dev.dray.state.MachineState;

/// Reads one snapshot. Used by many threads, each with a [PageReader] of its own.
@SuppressWarnings("DoNotCallSuggester") // the bodies come next
public final class SnapshotReader implements AutoCloseable {
    private SnapshotReader() {}

    public Manifest manifest() {
        throw new UnsupportedOperationException("not yet");
    }

    /// Reads, authenticates and joins the machine state's parts.
    public MachineState state() throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    /// A reader of pages for one thread; to be closed by it.
    public PageReader pageReader() {
        throw new UnsupportedOperationException("not yet");
    }

    /// The kinds of pages `first`, … of a region, as ordinals of [dev.dray.memory.PageKind], without reading
    /// contents.
    public void kinds(int region, long first, int count, byte[] kinds) throws DrayException {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void close() {}
}
