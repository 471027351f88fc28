package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// A State document: a tree of `{"snapshots":{id:...},"snapshot_data":{"state":"<JSON as text>"}}`, kept and sent byte
/// for byte. Only which memory belongs to the guest is looked up in it.
public final class StateDocument {
    private static final String WHAT = "The VM's state";

    private StateDocument() {}

    /// The ranges of memory that the snapshot covers. Memory outside of them, in a slot of virtio-mem that is not
    /// plugged, is not the guest's.
    public static List<MemoryRange> memoryRanges(byte[] document) throws PeerException {
        JsonNode state = Json.parse(document, WHAT)
                .path("snapshots")
                .path("memory-manager")
                .path("snapshot_data")
                .path("state");
        if (!state.isString()) {
            throw Refusal.broken(WHAT + " has no state of its memory manager");
        }
        return Json.rangeTable(Json.parse(state.asString(), WHAT).path("memory_ranges"), WHAT);
    }
}
