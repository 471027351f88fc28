package dev.dray.vmm;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;

/// A disk that the guest can write.
///
/// @param device the drive's or device's name as a user knows it
/// @param node the VMM's other name for it: QEMU's block node; the same name where there is no other
/// @param file where it lies, as the VMM says; a path or a URL
public record GuestDisk(String device, String node, String file) {
    /// What the user's own command printed, kept with the facts: it may belong to disks that the VMM does not show.
    public static final String HOOK_ID = "on_pause";

    /// Says of a noted disk that when the guest stood still is not known: no disk's age can be compared with it.
    static final String UNDATED = "undated";

    /// Writes down what a snapshot keeps of the disks, as [DiskCheck] reads it.
    ///
    /// @param id of the state in which the user's own command has captured them, if it has
    public static void note(List<GuestDisk> disks, Optional<String> id, ArrayNode into) {
        for (GuestDisk disk : disks) {
            var node = into.addObject();
            node.put("device", disk.device()).put("node", disk.node()).put("file", disk.file());
            node.put("captured", id.isPresent());
            id.ifPresent(known -> node.put("id", known));
        }
    }

    /// As [#note], of a snapshot that somebody else took, nobody knows when.
    public static void noteUndated(List<GuestDisk> disks, ArrayNode into) {
        note(disks, Optional.empty(), into);
        into.forEach(disk -> disk.asObject().put(UNDATED, true));
    }
}
