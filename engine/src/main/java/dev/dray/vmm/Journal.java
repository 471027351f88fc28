package dev.dray.vmm;

import dev.dray.error.MachineException;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// What Dray is about to change in one virtual machine, kept where it survives a kill of Dray, without secrets. Written
/// and
/// synced before the first change, cleared after everything was put back.
public interface Journal {
    /// Replaces the entry; durable when it returns.
    void write(ObjectNode entry) throws MachineException;

    /// The entry that an earlier Dray left, if it was killed before it could put things back.
    Optional<ObjectNode> pending() throws MachineException;

    void clear() throws MachineException;
}
