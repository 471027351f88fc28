package dev.dray.vmm;

import dev.dray.error.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/// Whether a guest's disks fit its memory: memory restored over a disk that has moved on destroys its
/// file system.
public final class DiskCheck {
    private DiskCheck() {}

    /// Looks at the files themselves for when they were last written.
    ///
    /// @param recorded the disks as [GuestDisk#note] wrote them down
    /// @param waiting the disks that the restored guest would write
    /// @param taken when the snapshot was taken
    public static void check(JsonNode recorded, List<GuestDisk> waiting, DiskPledge pledge, Instant taken)
            throws RefusedException {
        check(recorded, waiting, pledge, taken, DiskCheck::lastWritten);
    }

    /// @param recorded the disks as [GuestDisk#note] wrote them down
    /// @param waiting the disks that the restored guest would write
    /// @param taken when the snapshot was taken
    /// @param changed when a file was last written; empty if it cannot be seen or is no plain file
    static void check(
            JsonNode recorded,
            List<GuestDisk> waiting,
            DiskPledge pledge,
            Instant taken,
            Function<Path, Optional<Instant>> changed)
            throws RefusedException {
        switch (pledge) {
            case DiskPledge.Unchecked _ -> {}
            case DiskPledge.PutBack(var ids) -> putBack(recorded, ids);
            case DiskPledge.Silent _ -> silent(recorded, waiting, taken, changed);
        }
    }

    private static Optional<Instant> lastWritten(Path file) {
        try {
            return Files.isRegularFile(file)
                    ? Optional.of(Files.getLastModifiedTime(file).toInstant())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static void putBack(JsonNode recorded, Map<String, String> ids) throws RefusedException {
        for (var given : ids.entrySet()) {
            JsonNode disk = null;
            for (JsonNode each : recorded) {
                if (isNamed(each, given.getKey())) {
                    disk = each;
                }
            }
            if (disk == null) {
                throw new RefusedException(
                        "The snapshot knows no disk " + given.getKey(), "dray show lists its disks and their ids");
            }
            String id = disk.path("id").asString("");
            if (!id.equals(given.getValue())) {
                throw new RefusedException(
                        "Disk " + given.getKey() + " was put back to " + given.getValue() + ", but the snapshot needs "
                                + (id.isEmpty() ? "a state that was not captured" : id),
                        "put the disk back to the state that belongs to this snapshot");
            }
        }
    }

    private static boolean isNamed(JsonNode disk, String name) {
        return name.equals(disk.path("node").asString(""))
                || name.equals(disk.path("device").asString(""));
    }

    private static void silent(
            JsonNode recorded, List<GuestDisk> waiting, Instant taken, Function<Path, Optional<Instant>> changed)
            throws RefusedException {
        var moved = new ArrayList<String>();
        for (JsonNode disk : recorded) {
            String device = disk.path("device").asString("");
            String file = waiting.stream()
                    .filter(each -> each.device().equals(device))
                    .map(GuestDisk::file)
                    .findFirst()
                    .orElse(disk.path("file").asString(""));
            if (disk.path(GuestDisk.UNDATED).asBoolean(false)) {
                moved.add(device + " (" + file + ", and the snapshot does not tell when it was taken)");
                continue;
            }
            Optional<Instant> when = file.startsWith("/") ? changed.apply(Path.of(file)) : Optional.empty();
            if (when.isEmpty() || when.get().isAfter(taken)) {
                moved.add(device + " (" + file + ", "
                        + when.map(at -> "written at " + at + ", after the snapshot of " + taken)
                                .orElse("whose age cannot be seen")
                        + ")");
            }
        }
        if (!moved.isEmpty()) {
            throw new RefusedException(
                    "The guest's disks may have moved on since the snapshot, which would destroy their file systems: "
                            + String.join(", ", moved),
                    "put the disks back and say --disks-restored, or take the risk with --disks-unchecked");
        }
    }
}
