package dev.dray.format;

import dev.dray.error.DrayException;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.StateDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Memory as the offload daemon keeps it: a file `memory-SLOT` for each slot, with a hole where a page is zero.
final class OffloadLayout {
    private OffloadLayout() {}

    static List<Piece> pieces(Path directory, MigrationConfig config, byte[] state) throws DrayException, IOException {
        List<MemoryRange> ranges = StateDocument.memoryRanges(state);
        var pieces = new ArrayList<Piece>();
        for (int region = 0; region < config.slots().size(); region++) {
            RamSlot slot = config.slots().get(region);
            Path file = directory.resolve("memory-" + slot.slot());
            if (!Files.isRegularFile(file)) {
                throw CloudHypervisorDirectory.damaged(file, "it is missing");
            }
            if (Files.size(file) != slot.bytes()) {
                throw CloudHypervisorDirectory.damaged(
                        file, "it has " + Files.size(file) + " bytes, and its memory " + slot.bytes());
            }
            if (!slot.virtioMem()) {
                pieces.add(new Piece(file, 0, region, 0, slot.bytes()));
            } else {
                plugged(file, region, slot, ranges, pieces);
            }
        }
        return pieces;
    }

    /// Of memory that can be plugged only what is: the rest is not the guest's.
    private static void plugged(Path file, int region, RamSlot slot, List<MemoryRange> ranges, List<Piece> pieces)
            throws DrayException {
        for (MemoryRange range : ranges) {
            if (slot.contains(range.gpa(), range.bytes())) {
                long offset = range.gpa() - slot.gpa();
                NativeLayout.checkAligned(file, range);
                pieces.add(new Piece(file, offset, region, offset, range.bytes()));
            }
        }
    }
}
