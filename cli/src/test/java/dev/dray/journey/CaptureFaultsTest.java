package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Captures that do not come to their end: Dray, QEMU or their connection goes away at each phase. The guest must be as
/// it was, the repository hold whole snapshots only, and the next capture work and put the settings back.
@Tag("vmm")
class CaptureFaultsTest {
    private static final String NAME = "web1";

    /// Slow enough that 32 MiB of content takes longer than any test is held up.
    private static final String SLOW = "2M";

    static List<Version> qemus() {
        return Version.present();
    }

    /// A moment in a capture, and how to catch it.
    enum Phase {
        BEFORE_MIGRATION("live"),
        MEMORY_LIVE("live", "--rate", SLOW),
        /// QEMU knows no rate once it has stopped its guest, nor in the background: what slows it down is that Dray
        /// takes
        /// its time to compress.
        MEMORY_STOP("stop", "--compression", "zstd:19"),
        MEMORY_BACKGROUND("background", "--compression", "zstd:19"),
        TAIL("live"),
        STORING("stop", "--compression", "zstd:19"),
        PUBLISHED("stop", "--after", "pause");

        private final String mode;
        private final String options;

        Phase(String mode, String... options) {
            this.mode = mode;
            this.options = String.join(" ", options);
        }

        /// Starts a capture and returns when it is in this phase.
        DrayRun reach(Household home, QemuGuest guest) throws Exception {
            Path marker = home.directory().resolve("hook-runs");
            Files.deleteIfExists(marker);
            var all = new ArrayList<>(List.of("--mode", mode));
            options.lines().flatMap(each -> Stream.of(each.split(" ", -1))).forEach(all::add);
            if (this == TAIL) {
                all.addAll(List.of("--on-pause", "echo id; touch " + marker + "; exec sleep 100"));
            }
            int manifests = files(home.repository().resolve("snapshots"));
            DrayRun run = home.startCapture(guest, NAME, all.toArray(String[]::new));
            switch (this) {
                case BEFORE_MIGRATION -> run.awaitPhase("opening the repository");
                case MEMORY_LIVE, MEMORY_STOP, MEMORY_BACKGROUND ->
                    run.awaitPhase("reading memory").awaitRead(2 << 20);
                case TAIL -> await(() -> Files.exists(marker), run);
                case STORING -> run.awaitPhase("storing");
                case PUBLISHED -> await(() -> files(home.repository().resolve("snapshots")) > manifests, run);
            }
            return run;
        }

        private static int files(Path directory) throws IOException {
            if (!Files.exists(directory)) {
                return 0;
            }
            try (var files = Files.list(directory)) {
                return (int) files.filter(each -> !each.getFileName().toString().contains("tmp"))
                        .count();
            }
        }
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    static void await(Condition condition, DrayRun run) throws Exception {
        long until = System.nanoTime() + QemuGuest.PATIENCE.toNanos();
        while (true) {
            boolean isAlive = run.isAlive(); // as it was before: what it does last counts
            if (condition.holds()) {
                return;
            }
            if (!isAlive) {
                throw new AssertionError("dray ended before: " + run.end());
            }
            assertThat(System.nanoTime()).as("waited too long").isLessThan(until);
            Thread.sleep(1);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aKilledDrayLeavesTheGuestRunningAndTheNextPutsThingsBack(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            int whole = 0;
            for (Phase phase : Phase.values()) {
                try (DrayRun run = phase.reach(home, guest)) {
                    run.kill();
                }
                if (phase == Phase.PUBLISHED) {
                    guest.awaitStatus("running", "postmigrate"); // whether Dray's last word went out first
                    if (guest.status().equals("postmigrate")) {
                        guest.qmp().execute("cont");
                    }
                    whole++;
                }
                guest.runsOn();
                boolean isLate = phase == Phase.STORING && home.listed().size() == whole + 1;
                whole += isLate ? 1 : 0; // it was killed when it had stored, and perhaps put back, everything
                assertThat(home.listed()).as("after %s", phase).hasSize(whole);
                // The very next capture, while QEMU may still be ending its migration, or `doctor` finds the journal.
                if (phase.ordinal() % 2 == 0) {
                    home.captures(guest, NAME, "--mode", "live");
                    whole++;
                } else {
                    DrayRun.Ended doctor = home.dray("doctor", guest.address());
                    assertThat(doctor.exitCode()).as("%s", doctor.json()).isZero();
                    assertThat(isLate || doctor.json().toString().contains("Put back the migration settings"))
                            .as("after %s: %s", phase, doctor.json())
                            .isTrue();
                }
                assertThat(guest.settings()).as("after %s", phase).isEqualTo(settings);
            }
            assertThat(home.listed()).hasSize(whole);
            home.verifies();
            guest.isWhole();
        }
    }

    /// Only here Dray itself stops the guest: the next one continues it.
    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatAKilledDrayHadStoppedIsContinuedByTheNext(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            Path ready = home.directory().resolve("ready");
            String hook = "echo $$ > " + ready + "; exec sleep 100";
            try (DrayRun run = home.startCapture(guest, NAME, "--mode", "background", "--on-pause", hook)) {
                await(() -> Files.exists(ready) && Files.size(ready) > 1, run);
                run.kill();
            }
            Signals.send("KILL", Long.parseLong(Files.readString(ready).strip()));
            assertThat(guest.status()).isEqualTo("paused");
            DrayRun.Ended doctor = home.dray("doctor", guest.address());
            assertThat(doctor.json().toString()).contains("continued the guest");
            guest.runsOn();
            assertThat(guest.settings()).isEqualTo(settings);
            home.captures(guest, NAME);
        }
    }

    @Test
    void aKilledQemuIsToldAndNothingHalfIsListed() throws Exception {
        Version version = Version.present().getLast();
        try (var home = Household.open()) {
            int whole = 0;
            for (Phase phase : List.of(Phase.MEMORY_LIVE, Phase.MEMORY_BACKGROUND, Phase.TAIL, Phase.STORING)) {
                try (var guest = QemuGuest.running(version);
                        DrayRun run = phase.reach(home, guest)) {
                    guest.process().destroyForcibly();
                    DrayRun.Ended ended = run.end();
                    assertThat(ended.text("guest"))
                            .as("%s: %s", phase, ended.json())
                            .isEqualTo("gone");
                    // Once all of the guest is here, the snapshot is all that is left of it.
                    boolean captured = phase == Phase.STORING;
                    assertThat(ended.text("outcome"))
                            .as("%s: %s", phase, ended.json())
                            .isEqualTo(captured ? "captured" : "failed");
                    assertThat(ended.exitCode()).isEqualTo(captured ? 0 : 1);
                    whole += captured ? 1 : 0;
                }
                assertThat(home.listed()).as("after %s", phase).hasSize(whole);
            }
            home.verifies();
            assertThat(home.sockets()).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aCutConnectionFailsTheCaptureAndTheGuestGoesOn(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            // Nothing is there to cut where QEMU writes its background snapshots to a process of its own.
            List<Phase> phases = version == Version.V7
                    ? List.of(Phase.MEMORY_STOP, Phase.TAIL)
                    : List.of(Phase.MEMORY_STOP, Phase.MEMORY_BACKGROUND, Phase.TAIL);
            for (Phase phase : phases) {
                try (DrayRun run = phase.reach(home, guest)) {
                    guest.cutMigration();
                    DrayRun.Ended ended = run.end();
                    assertThat(ended.exitCode())
                            .as("%s: %s", phase, ended.json())
                            .isEqualTo(1);
                    assertThat(ended.text("guest"))
                            .as("%s: %s", phase, ended.json())
                            .isEqualTo("running");
                    assertThat(ended.text("kind")).as("%s", ended.json()).isEqualTo("peer");
                }
                guest.runsOn();
                assertThat(guest.settings()).as("after %s", phase).isEqualTo(settings);
                assertThat(home.listed()).as("after %s", phase).isEmpty();
            }
            home.captures(guest, NAME, "--mode", "live");
            home.verifies();
            guest.isWhole();
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130, MEMORY_LIVE", "TERM, 143, MEMORY_BACKGROUND", "INT, 130, TAIL", "TERM, 143, STORING"})
    void aSignalEndsItWithTheGuestAsItWas(String signal, int exitCode, Phase phase) throws Exception {
        Version version =
                Version.present().get(phase.ordinal() % Version.present().size());
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            List<ProcessHandle> children;
            try (DrayRun run = phase.reach(home, guest)) {
                children =
                        ProcessHandle.of(run.pid()).orElseThrow().descendants().toList();
                run.signal(signal);
                DrayRun.Ended ended = run.end();
                assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(exitCode);
                assertThat(ended.text("guest")).as("%s", ended.json()).isEqualTo("running");
                boolean captured = ended.text("outcome").equals("captured"); // it was too late to stop it
                assertThat(captured && phase != Phase.STORING)
                        .as("%s", ended.json())
                        .isFalse();
                if (!captured) {
                    assertThat(ended.text("kind")).as("%s", ended.json()).isEqualTo("interrupted");
                }
                assertThat(home.listed()).hasSize(captured ? 1 : 0);
            }
            for (ProcessHandle child : children) {
                Signals.awaitEnd(child);
            }
            guest.runsOn();
            assertThat(guest.settings()).isEqualTo(settings);
            home.captures(guest, NAME);
            home.verifies();
        }
    }

    /// All of the guest is here, and QEMU waits for Dray's word: then somebody else gives QEMU another. It stood still
    /// before, so that QEMU does not run it on.
    @ParameterizedTest
    @MethodSource("qemus")
    void aPausedGuestWhoseMigrationIsCancelledWhileItIsStoredIsNotLetGo(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            guest.qmp().execute("stop");
            try (DrayRun run = home.startCapture(guest, NAME, "--compression", "zstd:19", "--after", "quit")) {
                run.awaitPhase("storing");
                guest.qmp().execute("migrate_cancel");
                long from = System.nanoTime();
                DrayRun.Ended ended = run.end();
                assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(Duration.ofSeconds(20));
                assertThat(ended.text("outcome")).as("%s", ended.json()).isEqualTo("failed");
                assertThat(ended.text("guest")).as("%s", ended.json()).isEqualTo("paused");
                // QEMU calls it the one or the other, by which of its threads noticed first.
                assertThat(ended.says()).containsAnyOf("was cancelled", "migration failed");
            }
            assertThat(home.listed()).isEmpty();
            assertThat(guest.settings()).isEqualTo(settings);
            guest.qmp().execute("cont");
            guest.runsOn();
        }
    }

    /// QEMU cancels its migration when it ends, which must not take the only copy of its guest along.
    @ParameterizedTest
    @MethodSource("qemus")
    void aQemuThatIsEndedWhileItsGuestIsStoredDoesNotTakeTheSnapshotAlong(Version version) throws Exception {
        try (var home = Household.open()) {
            for (boolean stands : List.of(true, false)) {
                try (var guest = QemuGuest.running(version)) {
                    if (stands) {
                        guest.qmp().execute("stop");
                    }
                    String[] options = {"--mode", "stop", "--compression", "zstd:19", "--after", "quit"};
                    try (DrayRun run = home.startCapture(guest, NAME, options)) {
                        run.awaitPhase("storing");
                        guest.qmp().execute("quit");
                        DrayRun.Ended ended = run.end();
                        assertThat(ended.text("guest")).as("%s", ended.json()).isEqualTo("gone");
                        assertThat(ended.text("outcome")).as("%s", ended.json()).isEqualTo("captured");
                    }
                }
            }
            assertThat(home.listed()).hasSize(2);
            home.verifies();
        }
    }
}
