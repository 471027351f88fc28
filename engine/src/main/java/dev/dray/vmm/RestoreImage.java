package dev.dray.vmm;

import dev.dray.error.DrayException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageReader;
import dev.dray.state.MachineState;
import tools.jackson.databind.JsonNode;

/// The snapshot that a guest is restored from.
public interface RestoreImage {
    GuestMemoryMap memory();

    /// Read and authenticated when it is asked for.
    MachineState state() throws DrayException;

    /// What the dialect noted at capture, [CapturedMachine#facts()].
    JsonNode facts();

    /// A reader of its pages for one thread.
    PageReader pageReader() throws DrayException;
}
