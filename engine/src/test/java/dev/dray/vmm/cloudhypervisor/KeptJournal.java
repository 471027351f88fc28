package dev.dray.vmm.cloudhypervisor;

import dev.dray.vmm.Journal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A journal in memory.
final class KeptJournal implements Journal {
    private @Nullable ObjectNode entry;

    @Override
    public void write(ObjectNode written) {
        entry = written;
    }

    @Override
    public Optional<ObjectNode> pending() {
        return Optional.ofNullable(entry);
    }

    @Override
    public void clear() {
        entry = null;
    }
}
