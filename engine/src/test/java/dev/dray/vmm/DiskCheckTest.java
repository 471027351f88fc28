package dev.dray.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DiskCheckTest {
    private static final Instant TAKEN = Instant.parse("2026-11-21T09:00:00Z");
    private static final List<GuestDisk> WAITING = List.of(new GuestDisk("virtio0", "#block1", "/disk.img"));
    private static final JsonNode RECORDED = JsonMapper.shared().readTree("""
                    [{"device":"virtio0","node":"#block1","file":"/disk.img","captured":true,"id":"s7"}]
                    """);

    @Test
    void readsBackWhatWasWrittenDown() {
        var noted = JsonMapper.shared().createArrayNode();
        GuestDisk.note(WAITING, Optional.of("s7"), noted);
        assertThat((Object) noted).isEqualTo(RECORDED);
    }

    @Test
    void aDiskThatHasNotMovedOnPassesByItself() {
        assertThatCode(() -> disks(new DiskPledge.Silent(), _ -> Optional.of(TAKEN.minusSeconds(1))))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> disks(new DiskPledge.Silent(), _ -> Optional.of(TAKEN.plusSeconds(1))))
                .hasMessage("The guest's disks may have moved on since the snapshot, which would destroy their file"
                        + " systems: virtio0 (/disk.img, written at 2026-11-21T09:00:01Z, after the snapshot of"
                        + " 2026-11-21T09:00:00Z)");
        assertThatThrownBy(() -> disks(new DiskPledge.Silent(), _ -> Optional.empty()))
                .hasMessageContaining("whose age cannot be seen");
    }

    /// A directory that was copied is younger than the guest in it, and perhaps than what a disk has lived through
    /// since.
    @Test
    void aSnapshotThatDoesNotTellWhenItWasTakenIsOlderThanAnyDisk() {
        var noted = JsonMapper.shared().createArrayNode();
        GuestDisk.noteUndated(WAITING, noted);
        assertThatThrownBy(() -> DiskCheck.check(
                        noted, WAITING, new DiskPledge.Silent(), TAKEN, _ -> Optional.of(Instant.EPOCH)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("virtio0 (/disk.img, and the snapshot does not tell when it was taken)");
        assertThatCode(() -> DiskCheck.check(
                        noted, WAITING, new DiskPledge.Unchecked(), TAKEN, _ -> Optional.of(Instant.EPOCH)))
                .doesNotThrowAnyException();
    }

    @Test
    void aDiskIsPutBackToTheStateThatBelongsToTheSnapshot() {
        assertThatCode(() -> disks(pledge("virtio0", "s7"), _ -> Optional.empty()))
                .doesNotThrowAnyException();
        assertThatCode(() -> disks(pledge("#block1", "s7"), _ -> Optional.empty()))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> disks(pledge("virtio0", "s6"), _ -> Optional.empty()))
                .hasMessage("Disk virtio0 was put back to s6, but the snapshot needs s7");
        assertThatThrownBy(() -> disks(pledge("sda", "s7"), _ -> Optional.empty()))
                .hasMessage("The snapshot knows no disk sda");
        assertThatCode(() -> disks(new DiskPledge.Unchecked(), _ -> Optional.empty()))
                .doesNotThrowAnyException();
    }

    private static DiskPledge pledge(String disk, String id) {
        return new DiskPledge.PutBack(new TreeMap<>(Map.of(disk, id)));
    }

    private void disks(DiskPledge pledge, Function<Path, Optional<Instant>> changed) throws RefusedException {
        DiskCheck.check(RECORDED, WAITING, pledge, TAKEN, changed);
    }
}
