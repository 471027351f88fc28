package dev.dray.vmm.qemu;

import dev.dray.vmm.Journal;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A journal for a QEMU that has no guest yet: if Dray dies, the process is of no more use anyway.
enum NoJournal implements Journal {
    INSTANCE;

    @Override
    public void write(ObjectNode entry) {}

    @Override
    public Optional<ObjectNode> pending() {
        return Optional.empty();
    }

    @Override
    public void clear() {}
}
