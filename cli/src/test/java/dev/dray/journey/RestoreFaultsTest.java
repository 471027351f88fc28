package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.RealQemu.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Restores that do not come to their end. The waiting QEMU is lost (one process takes one migration), the snapshot is
/// not, and the next restore works.
@Tag("vmm")
class RestoreFaultsTest {
    private static final String NAME = "web1";

    static List<Version> qemus() {
        return Version.present();
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void whateverBreaksTheNextRestoreWorks(Version version) throws Exception {
        try (var home = Household.open()) {
            try (var guest = QemuGuest.running(version)) {
                home.captures(guest, NAME);
            }
            killedEarly(home, version);
            killedWhileSending(home, version);
            killedAtTheEnd(home, version);
            qemuKilled(home, version);
            signalled(home, version);
            try (var copy = QemuGuest.waiting(version)) {
                String settings = copy.settings();
                DrayRun.Ended ended = home.restore(NAME, copy);
                assertThat(ended.exitCode()).as("%s", ended.json()).isZero();
                copy.runsOn();
                copy.isWhole();
                assertThat(copy.settings()).isEqualTo(settings);
                home.captures(copy, NAME);
            }
            assertThat(home.listed()).containsExactly(NAME + "@1", NAME + "@2");
            home.verifies();
        }
    }

    /// Killed before QEMU was told anything: the same QEMU still takes the guest.
    private static void killedEarly(Household home, Version version) throws Exception {
        try (var copy = QemuGuest.waiting(version)) {
            Path ready = home.directory().resolve("key-is-asked-for");
            String waits = "echo $$ > " + ready + "; exec sleep 100"; // however late it is killed
            try (DrayRun run = home.startRestore(NAME, copy, "--key-command", waits)) {
                run.awaitPhase("opening the snapshot");
                CaptureFaultsTest.await(() -> Files.exists(ready) && Files.size(ready) > 1, run);
                run.kill();
            }
            Signals.send("KILL", Long.parseLong(Files.readString(ready).strip()));
            assertThat(copy.status()).isEqualTo("inmigrate");
            DrayRun.Ended ended = home.restore(NAME, copy);
            assertThat(ended.exitCode()).as("%s", ended.json()).isZero();
            copy.runsOn();
        }
    }

    /// A QEMU that stands still takes no bytes: Dray is in the middle of sending.
    private static DrayRun sending(Household home, QemuGuest copy) throws Exception {
        DrayRun run = home.startRestore(NAME, copy);
        run.awaitPhase("sending memory");
        Signals.send("STOP", copy.process().pid());
        return run;
    }

    private static void killedWhileSending(Household home, Version version) throws Exception {
        try (var copy = QemuGuest.waiting(version)) {
            try (DrayRun run = sending(home, copy)) {
                run.kill();
            }
            Signals.send("CONT", copy.process().pid());
            // Some end, and may take a moment; some hang for ever, for their main loop waits for what does not come.
            boolean hasEnded = copy.process().waitFor(3, TimeUnit.SECONDS);
            DrayRun.Ended ended = home.restore(NAME, copy);
            assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(3);
            String[] said = hasEnded ? new String[] {"Nobody answers"} : new String[] {"-incoming defer", "QEMU hangs"};
            assertThat(ended.says()).containsAnyOf(said);
            assertThat(copy.report().passes()).as("passes of half a guest").isZero();
        }
    }

    /// Killed when the guest runs already: it goes on, and what is left of the settings is put back.
    private static void killedAtTheEnd(Household home, Version version) throws Exception {
        try (var copy = QemuGuest.waiting(version)) {
            String settings = copy.settings();
            try (DrayRun run = home.startRestore(NAME, copy)) {
                copy.awaitStatus("running");
                run.kill();
            }
            copy.runsOn();
            copy.isWhole();
            DrayRun.Ended doctor = home.dray("doctor", copy.address());
            assertThat(doctor.exitCode()).as("%s", doctor.json()).isZero();
            assertThat(copy.settings()).isEqualTo(settings);
        }
    }

    private static void qemuKilled(Household home, Version version) throws Exception {
        try (var copy = QemuGuest.waiting(version);
                DrayRun run = sending(home, copy)) {
            copy.process().destroyForcibly();
            DrayRun.Ended ended = run.end();
            assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(1);
            assertThat(ended.text("guest")).isEqualTo("gone");
            assertThat(ended.text("kind")).isEqualTo("peer");
            assertThat(ended.says()).contains("Start QEMU again");
        }
    }

    private static void signalled(Household home, Version version) throws Exception {
        try (var copy = QemuGuest.waiting(version);
                DrayRun run = sending(home, copy)) {
            run.signal("INT");
            run.awaitPhase("stopping");
            Signals.send("CONT", copy.process().pid());
            run.end().wasInterrupted("restore");
        }
    }
}
