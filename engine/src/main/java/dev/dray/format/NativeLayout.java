package dev.dray.format;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.JsonPlace;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.StateDocument;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Cloud Hypervisor's own layout: memory lies in one file, range behind range, in the order of the state's table; what
/// a migration would send as Config is in two documents.
final class NativeLayout {
    private static final String MEMORY = "memory-ranges";
    private static final String WHAT = "state.json";

    private NativeLayout() {}

    /// The Config that a migration of this guest would have sent, of the documents' own bytes.
    static byte[] config(byte[] vmConfig, byte[] state) throws PeerException, CorruptException {
        whole(vmConfig, "config.json");
        byte[] memory = withoutRanges(bytes(StateDocument.memoryManager(state)));
        byte[] vm = bytes(StateDocument.vm(state));
        Optional<JsonPlace> cpuid = JsonPlace.of(vm, "common_cpuid", WHAT);
        var config = new ByteArrayOutputStream(vmConfig.length + memory.length + vm.length);
        config.writeBytes(ascii("{\"vm_config\":"));
        config.writeBytes(vmConfig);
        if (cpuid.isPresent()) {
            config.writeBytes(ascii(",\"common_cpuid\":"));
            config.writeBytes(
                    Arrays.copyOfRange(vm, cpuid.get().from(), cpuid.get().to()));
        }
        config.writeBytes(ascii(",\"memory_manager_data\":"));
        config.writeBytes(memory);
        config.write('}');
        return config.toByteArray();
    }

    private static byte[] bytes(InputStream text) {
        try (text) {
            return text.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // there is none: all of it is in memory
        }
    }

    /// The ranges are in the state; in Config, where a migration has them empty, they could make it larger than a
    /// receiver takes.
    private static byte[] withoutRanges(byte[] memory) throws PeerException {
        Optional<JsonPlace> ranges = JsonPlace.besideRanges(memory, "memory_ranges.data", WHAT);
        if (ranges.isEmpty()) {
            return memory;
        }
        var without = new ByteArrayOutputStream();
        without.write(memory, 0, ranges.get().from());
        without.writeBytes(ascii("[]"));
        without.write(memory, ranges.get().to(), memory.length - ranges.get().to());
        return without.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void whole(byte[] document, String what) throws PeerException {
        if (JsonPlace.of(document, "", what).isEmpty()) {
            throw new PeerException(what + " is empty", "");
        }
    }

    static List<Piece> pieces(Path directory, MigrationConfig config, byte[] state) throws DrayException, IOException {
        Path file = directory.resolve(MEMORY);
        List<MemoryRange> ranges = StateDocument.memoryRanges(state);
        var pieces = new ArrayList<Piece>();
        long offset = 0;
        for (MemoryRange range : ranges) {
            checkAligned(file, range);
            split(file, offset, range, config.slots(), pieces);
            offset = Math.addExact(offset, range.bytes());
        }
        refuseOverlaps(file, ranges);
        refuseWhatLiesElsewhere(config, pieces);
        boolean there = Files.isRegularFile(file);
        if (!there && offset > 0) {
            throw CloudHypervisorDirectory.damaged(file, "it is missing");
        }
        if (there && Files.size(file) != offset) {
            throw CloudHypervisorDirectory.damaged(
                    file, "it has " + Files.size(file) + " bytes, and the ranges in " + WHAT + " have " + offset);
        }
        return pieces;
    }

    static void checkAligned(Path file, MemoryRange range) throws CorruptException {
        if (!PageSize.isAligned(range.gpa()) || !PageSize.isAligned(range.bytes())) {
            throw CloudHypervisorDirectory.damaged(
                    file,
                    "a range of " + range.bytes() + " bytes at 0x" + Long.toHexString(range.gpa())
                            + " is not made of pages");
        }
    }

    /// Memory that is there twice would make up for memory that is not there. Each range lies in the guest's memory.
    private static void refuseOverlaps(Path file, List<MemoryRange> ranges) throws CorruptException {
        List<MemoryRange> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparingLong(MemoryRange::gpa));
        long end = 0;
        for (MemoryRange range : sorted) {
            if (range.gpa() < end) {
                throw CloudHypervisorDirectory.damaged(
                        file, "two of its ranges have the memory at 0x" + Long.toHexString(range.gpa()));
            }
            end = range.gpa() + range.bytes();
        }
    }

    private static void split(Path file, long fileOffset, MemoryRange range, List<RamSlot> slots, List<Piece> pieces)
            throws CorruptException {
        long done = 0;
        for (int region = 0; region < slots.size() && done < range.bytes(); region++) {
            RamSlot slot = slots.get(region);
            long inside = range.gpa() + done - slot.gpa();
            if (inside >= 0 && inside < slot.bytes()) {
                long bytes = Math.min(range.bytes() - done, slot.bytes() - inside);
                pieces.add(new Piece(file, fileOffset + done, region, inside, bytes));
                done += bytes;
            }
        }
        if (done < range.bytes()) {
            throw CloudHypervisorDirectory.damaged(
                    file, "its range at 0x" + Long.toHexString(range.gpa()) + " is not the guest's memory");
        }
    }

    /// Memory over a file of its own is not in the snapshot, and its file may have moved on since.
    private static void refuseWhatLiesElsewhere(MigrationConfig config, List<Piece> pieces) throws RefusedException {
        long[] covered = new long[config.slots().size()];
        for (Piece piece : pieces) {
            covered[piece.region()] += piece.bytes();
        }
        for (int region = 0; region < config.slots().size(); region++) {
            RamSlot slot = config.slots().get(region);
            if (!slot.virtioMem() && covered[region] < slot.bytes()) {
                throw new RefusedException(
                        "The memory " + slot.regionName() + " is not in the snapshot but in " + backing(config, slot)
                                + ", which may have moved on since",
                        "capture the guest with dray capture, which reads all of its memory");
            }
        }
    }

    private static String backing(MigrationConfig config, RamSlot slot) {
        JsonNode file = config.zone(slot).path("file");
        return file.isString() ? file.asString() : "a file of its own";
    }
}
