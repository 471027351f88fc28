package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.GuestDisk;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaptureChoiceTest {
    @ParameterizedTest
    @CsvSource({
        "AUTO, RESUME, running, '', BACKGROUND, the shortest pause for a guest that is to run on",
        "AUTO, RESUME, running, no uffd, LIVE, QEMU does not allow a background snapshot of this VM: no uffd",
        "AUTO, PAUSE, running, '', LIVE, a background image would be older than a guest that ends",
        "AUTO, QUIT, running, '', LIVE, a background image would be older than a guest that ends",
        "AUTO, RESUME, paused, '', STOP, the guest stands still already",
        "LIVE, RESUME, paused, '', STOP, the guest stands still already",
        "LIVE, RESUME, running, '', LIVE, asked for",
        "STOP, QUIT, running, '', STOP, asked for",
        "STOP, RESUME, prelaunch, '', STOP, the guest stands still already",
    })
    void choosesTheShortestPauseThatTheEndStateAllows(
            CaptureMode asked, AfterCapture after, String status, String refusal, CaptureMode chosen, String reason)
            throws RefusedException {
        var choice = CaptureChoice.of(
                order(asked, after),
                facts(status, "none", List.of()),
                Optional.of(refusal).filter(r -> !r.isEmpty()).map(NoBackground::saidQemu));
        assertThat(choice.plan().mode()).isEqualTo(chosen);
        assertThat(choice.reason()).isEqualTo(reason);
    }

    @ParameterizedTest
    @CsvSource({
        "BACKGROUND, paused, none, 'The guest stands still, and a background capture would start it'",
        "AUTO, inmigrate, none, 'This QEMU waits for an incoming migration: there is no guest to capture yet'",
        "AUTO, running, active, 'Another migration of this VM is under way (status active)'",
        "STOP, postmigrate, completed, 'The guest stands still after a migration or capture (postmigrate), and QEMU"
                + " does not migrate it again before it has run'",
        "AUTO, guest-panicked, none, 'The guest is in the state guest-panicked, which cannot be captured'",
    })
    void refusesWhatCannotBeCaptured(CaptureMode asked, String status, String migration, String message) {
        assertThatThrownBy(() -> CaptureChoice.of(
                        order(asked, AfterCapture.RESUME), facts(status, migration, List.of()), Optional.empty()))
                .isInstanceOf(RefusedException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource({
        "State blocked by non-migratable device '0000:00:05.0/ivshmem', remove the device or option that QEMU names",
        "Cannot use background snapshot with CPR, set QEMU's migration parameter mode to normal",
        "Background snapshot is not possible, use --mode live or stop",
    })
    void theWayOutFitsWhatQemuSays(String reason, String wayOut) {
        assertThat(CaptureChoice.wayOut(reason)).isEqualTo(wayOut);
    }

    @Test
    void namesWhatBlocksMigration() {
        assertThatThrownBy(() -> CaptureChoice.of(
                        order(CaptureMode.AUTO, AfterCapture.RESUME),
                        facts("running", "none", List.of("The VirtFS device blocks it")),
                        Optional.empty()))
                .hasMessage("QEMU cannot migrate this VM: The VirtFS device blocks it");
    }

    @Test
    void saysWhyABackgroundCaptureIsNotAllowed() {
        assertThatThrownBy(() -> CaptureChoice.of(
                        order(CaptureMode.BACKGROUND, AfterCapture.RESUME),
                        facts("running", "none", List.of()),
                        Optional.of(NoBackground.saidQemu("no kernel support"))))
                .hasMessage("QEMU does not allow a background snapshot of this VM: no kernel support");
    }

    /// Before 8.2 a background snapshot that breaks off hangs the guest, unless QEMU may start a program.
    @ParameterizedTest
    @CsvSource({
        "7.2.22, NONE, false",
        "7.2.22, SANDBOX, true",
        "7.2.22, OTHER_FILES, true",
        "7.2.22, UNKNOWN, true",
        "8.1.5, SANDBOX, true",
        "8.2.0, SANDBOX, false",
        "10.0.2, UNKNOWN, false",
        "11.1.3, SANDBOX, false",
    })
    void neverTakesABackgroundSnapshotThatCanHangTheGuest(String version, Confinement confinement, boolean danger)
            throws RefusedException {
        Optional<NoBackground> found = NoBackground.danger(version, confinement);
        assertThat(found.isPresent()).isEqualTo(danger);
        var facts = facts("running", "none", List.of());
        var choice = CaptureChoice.of(order(CaptureMode.AUTO, AfterCapture.RESUME), facts, found);
        assertThat(choice.plan().mode()).isEqualTo(danger ? CaptureMode.LIVE : CaptureMode.BACKGROUND);
        if (danger) {
            String because = confinement.because();
            assertThat(choice.reason()).contains(version, "hangs the guest").endsWith(because);
            assertThatThrownBy(() -> CaptureChoice.of(order(CaptureMode.BACKGROUND, AfterCapture.RESUME), facts, found))
                    .isInstanceOfSatisfying(
                            RefusedException.class,
                            refused -> assertThat(refused.whatToDo()).startsWith("use --mode live"))
                    .hasMessage(choice.reason());
        }
    }

    static CaptureOrder order(CaptureMode mode, AfterCapture after) {
        return new CaptureOrder(
                mode,
                after,
                Optional.empty(),
                Duration.ofMillis(300),
                Duration.ofMinutes(5),
                false,
                OptionalLong.empty());
    }

    static QemuFacts facts(String status, String migration, List<String> blockers) {
        return new QemuFacts(
                "10.0.2",
                "pc-i440fx-10.0",
                status,
                migration,
                blockers,
                List.of(
                        new RamBlock("pc.ram", 4096, 32 << 20, 32 << 20),
                        new RamBlock("/rom@etc/acpi/tables", 4096, 128 << 10, 2 << 20)),
                "",
                List.of(new GuestDisk("virtio0", "#block1", "/disk.img")),
                List.of("00:00.0 8086:1237", "00:04.0 1af4:1000"),
                List.of("virtio-net-pci"),
                2,
                false,
                Optional.empty());
    }
}
