package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.page.PageReader;
import dev.dray.snapshot.SnapshotReader;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// Reads pages of a snapshot; those that cannot be read, from a copy of the same snapshot in another repository.
final class CopiedPages implements PageReader {
    private final PageReader first;
    private final SnapshotReader copy;
    private final Told told;
    private @Nullable PageReader second;

    CopiedPages(PageReader first, SnapshotReader copy, Told told) {
        this.first = first;
        this.copy = copy;
        this.told = told;
    }

    /// Says once for all readers that the copy is in use.
    record Told(AtomicBoolean already, ProgressWatch watch, String place) {
        void say(DrayException why) {
            if (already.compareAndSet(false, true)) {
                watch.warning("the guest is read from the copy in " + place + ": " + why.getMessage());
            }
        }
    }

    @Override
    public void read(int region, long first, int count, long address, long strideBytes, byte[] kinds)
            throws DrayException {
        try {
            this.first.read(region, first, count, address, strideBytes, kinds);
        } catch (CorruptException | MachineException e) {
            told.say(e);
            try {
                second().read(region, first, count, address, strideBytes, kinds);
            } catch (CorruptException | MachineException alsoThere) {
                alsoThere.addSuppressed(e);
                throw alsoThere;
            }
        }
    }

    private PageReader second() {
        PageReader open = second;
        if (open == null) {
            open = copy.pageReader();
            second = open;
        }
        return open;
    }

    @Override
    public void close() {
        first.close();
        if (second != null) {
            second.close();
        }
    }
}
