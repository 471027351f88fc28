package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Repositories that fill up, cannot be written or vanish, and captures that meet each other.
@Tag("vmm")
class RepositoryFaultsTest {
    private static final String NAME = "web1";
    private static final Version VERSION = Version.V10;

    /// File systems of a size, and read-only ones, are root's to make.
    private static void asRoot(String... command) throws Exception {
        var all = new ArrayList<>(isRoot() ? List.of() : List.of("sudo", "-n"));
        all.addAll(List.of(command));
        assertThat(new ProcessBuilder(all).inheritIO().start().waitFor())
                .as("%s", String.join(" ", all))
                .isZero();
    }

    private static boolean isRoot() throws IOException {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    }

    private static boolean mayMount() throws Exception {
        return isRoot() || new ProcessBuilder("sudo", "-n", "true").start().waitFor() == 0;
    }

    @Test
    void aFullOrReadOnlyDiskFailsTheCaptureAndTheGuestGoesOn() throws Exception {
        assumeTrue(mayMount(), "only root can mount file systems"); // ./check takes no skips
        try (var home = Household.without();
                var guest = QemuGuest.running(VERSION)) {
            String settings = guest.settings();
            String place = Files.createDirectory(home.repository()).toString();
            asRoot("mount", "-t", "tmpfs", "-o", "mode=777,size=8m", "dray-test", place);
            try {
                assertThat(home.dray("init", "--repo", place).exitCode()).isZero();
                for (String mode : new String[] {"background", "live", "stop"}) {
                    machineFailure(home.capture(guest, NAME, "--mode", mode), "space");
                    guest.runsOn();
                    assertThat(guest.settings()).isEqualTo(settings);
                    assertThat(home.listed()).as("after %s", mode).isEmpty();
                    home.verifies();
                }
                // The end that was asked for must not come without a snapshot.
                machineFailure(home.capture(guest, NAME, "--mode", "live", "--after", "quit"), "space");
                guest.runsOn();
                asRoot("mount", "-o", "remount,size=200m", place);
                home.captures(guest, NAME);
                asRoot("mount", "-o", "remount,ro", place);
                DrayRun.Ended ended = home.capture(guest, NAME);
                machineFailure(ended, "read-only");
                guest.runsOn();
                asRoot("mount", "-o", "remount,rw", place);
                home.captures(guest, NAME);
                assertThat(home.listed()).containsExactly(NAME + "@1", NAME + "@2");
                home.verifies();
                assertThat(guest.settings()).isEqualTo(settings);
            } finally {
                asRoot("umount", "-l", place);
            }
        }
    }

    private static void machineFailure(DrayRun.Ended ended, String word) {
        assertThat(ended.exitCode()).as("%s %s", ended.json(), ended.err()).isEqualTo(1);
        assertThat(ended.text("kind")).as("%s", ended.json()).isEqualTo("machine");
        assertThat(ended.text("guest")).as("%s", ended.json()).isIn("running", "unknown");
        assertThat(ended.says().toLowerCase(java.util.Locale.ROOT)).contains(word);
    }

    @Test
    void aRepositoryThatVanishesFailsTheCaptureAndTheGuestGoesOn() throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(VERSION)) {
            Path away = home.directory().resolve("away");
            // However late it is moved, the capture is not over.
            String hook = "while [ ! -e " + away + " ]; do sleep 0.05; done";
            try (DrayRun run = home.startCapture(
                    guest,
                    NAME,
                    "--mode",
                    "live",
                    "--rate",
                    "8M",
                    "--time-limit",
                    "2s",
                    "--then",
                    "stop",
                    "--on-pause",
                    hook)) {
                run.awaitPhase("reading memory").awaitRead(1 << 20);
                Files.move(home.repository(), away);
                DrayRun.Ended ended = run.end();
                if (ended.exitCode() != 0) { // else it went on in the directory that it had open, wherever that is
                    machineFailure(ended, "repository");
                }
                guest.runsOn();
            }
            DrayRun.Ended ended = home.capture(guest, NAME);
            assertThat(ended.exitCode()).as("%s", ended.json()).isIn(1, 2);
            assertThat(ended.says()).contains(home.repository().toString());
            guest.runsOn();
            Files.move(away, home.repository());
            home.captures(guest, NAME);
            home.verifies();
        }
    }

    @Test
    void onlyOneCaptureOfAVmAtATimeButSeveralIntoARepository() throws Exception {
        try (var home = Household.open();
                var one = QemuGuest.running(VERSION);
                var two = QemuGuest.running(Version.present().getLast())) {
            Path ready = home.directory().resolve("ready");
            String hook = "touch " + ready + "; while [ -e " + ready + " ]; do sleep 0.05; done";
            try (DrayRun first = home.startCapture(one, "one", "--mode", "live", "--on-pause", hook)) {
                CaptureFaultsTest.await(() -> Files.exists(ready), first);
                DrayRun.Ended second = home.capture(one, "one");
                assertThat(second.exitCode()).as("%s", second.json()).isEqualTo(3);
                assertThat(second.says()).contains("Another Dray is at work", "Wait until it has ended");
                home.captures(two, "two", "--mode", "live"); // from begin to end within the other
                home.captures(two, "one"); // the same name, from elsewhere
                Files.delete(ready);
                assertThat(first.end().exitCode()).isZero();
            }
            assertThat(home.listed()).containsExactlyInAnyOrder("one@1", "one@2", "two@1");
            one.runsOn();
            two.runsOn();
            home.verifies();
        }
    }
}
