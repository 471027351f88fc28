package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.RealQemu.Version;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Capture, proof, restore: on each QEMU, in each mode, to each end.
@Tag("vmm")
class JourneyTest {
    private static final String NAME = "web1";

    static List<Version> qemus() {
        return Version.present();
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatIsToRunOnRunsOnAndItsCopyToo(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            int number = 0;
            for (String mode : List.of("background", "live", "stop")) {
                long before = guest.lastPass();
                DrayRun.Ended ended = home.capture(guest, NAME, "--mode", mode);
                assertThat(ended.exitCode())
                        .as("%s %s", ended.json(), ended.err())
                        .isZero();
                long after = guest.lastPass();
                number++;
                assertThat(List.of(ended.text("outcome"), ended.text("guest"), ended.text("mode")))
                        .containsExactly("captured", "running", mode);
                assertThat(ended.json().path("number").asInt()).isEqualTo(number);
                assertThat(ended.json().path("warnings")).isEmpty();
                assertThat(guest.settings()).isEqualTo(settings);
                guest.runsOn();
                copyContinues(home, version, ended.text("snapshot"), before, after, mode.equals("live"));
            }
            guest.isWhole();
            assertThat(home.listed()).containsExactly(NAME + "@1", NAME + "@2", NAME + "@3");
            home.verifies();
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatIsToStandStillDoesAndItsCopyTakesOver(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            for (String mode : List.of("live", "stop")) {
                DrayRun.Ended ended = home.capture(guest, NAME, "--mode", mode, "--after", "pause");
                assertThat(ended.exitCode())
                        .as("%s %s", ended.json(), ended.err())
                        .isZero();
                assertThat(ended.text("guest")).isEqualTo("paused");
                assertThat(guest.status()).isEqualTo("postmigrate");
                assertThat(guest.settings()).isEqualTo(settings);
                long last = guest.lastPass();
                copyContinues(home, version, ended.text("snapshot"), last, last, mode.equals("stop"));
                guest.qmp().execute("cont");
                guest.runsOn();
            }
            home.verifies();
        }
    }

    /// QEMU takes no background snapshot in another mode than `normal`, which it knows from 8.2 on.
    @ParameterizedTest
    @MethodSource("qemus")
    void aVmThatIsToMigrateToItsOwnHostIsCapturedAllTheSame(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            boolean known = guest.qmp().execute("query-migrate-parameters").has("mode");
            assertThat(known).isEqualTo(version != Version.V7);
            if (known) {
                guest.qmp().execute("migrate-set-parameters", "{\"mode\": \"cpr-reboot\"}");
            }
            String settings = guest.settings();
            for (String mode : List.of("background", "live")) {
                home.captures(guest, NAME, "--mode", mode);
                guest.runsOn();
                assertThat(guest.settings()).isEqualTo(settings);
                assertThat(settings.contains("cpr-reboot")).isEqualTo(known);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatIsToEndEndsWithItsCopyStored(Version version) throws Exception {
        try (var home = Household.open()) {
            for (String mode : List.of("live", "stop")) {
                try (var guest = QemuGuest.running(version)) {
                    DrayRun.Ended ended = home.capture(guest, NAME, "--mode", mode, "--after", "quit");
                    assertThat(ended.exitCode())
                            .as("%s %s", ended.json(), ended.err())
                            .isZero();
                    assertThat(ended.text("guest")).isEqualTo("gone");
                    assertThat(ended.json().path("warnings")).isEmpty();
                    assertThat(ended.json()
                                    .path("phases")
                                    .valueStream()
                                    .map(each -> each.path("name").asString()))
                            .containsExactly("memory", "store", "release", "quit");
                    guest.awaitGone();
                    long last = guest.lastPass();
                    copyContinues(home, version, ended.text("snapshot"), last, last, false);
                }
            }
            home.verifies();
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aPausedGuestStaysPausedAndSoDoesItsCopy(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version);
                var copy = QemuGuest.waiting(version)) {
            guest.qmp().execute("stop");
            DrayRun.Ended ended = home.capture(guest, NAME);
            assertThat(ended.exitCode()).as("%s %s", ended.json(), ended.err()).isZero();
            assertThat(ended.text("guest")).isEqualTo("paused");
            // QEMU 7.2 calls it postmigrate after any migration, and does not migrate such a guest again.
            assertThat(guest.status()).isIn("paused", "postmigrate");
            assertThat(ended.json().path("warnings").toString().contains("cannot be captured again"))
                    .isEqualTo(guest.status().equals("postmigrate"));
            long last = guest.lastPass();

            DrayRun.Ended restored = home.restore(NAME, copy);
            assertThat(restored.exitCode()).as("%s", restored.json()).isZero();
            assertThat(restored.text("guest")).isEqualTo("paused");
            assertThat(copy.status()).isIn("paused", "postmigrate");
            copy.qmp().execute("cont");
            copy.runsOn();
            assertThat(copy.report().firstPass()).isBetween(last + 1, last + 2);

            guest.qmp().execute("cont");
            guest.runsOn();
            assertThat(guest.report().isClean()).isTrue();
        }
    }

    /// Restores, and has the copy prove that it is the guest at the moment of its capture: it goes on with the pass
    /// after one of those from `before` to `after`, and finds every byte right. A line that was cut in two by the
    /// capture is in neither log, hence one pass more.
    private static void copyContinues(
            Household home, Version version, String snapshot, long before, long after, boolean paused)
            throws Exception {
        try (var copy = QemuGuest.waiting(version)) {
            DrayRun.Ended ended = paused ? home.restore(snapshot, copy, "--paused") : home.restore(snapshot, copy);
            assertThat(ended.exitCode()).as("%s %s", ended.json(), ended.err()).isZero();
            assertThat(ended.text("outcome")).isEqualTo("restored");
            assertThat(ended.text("guest")).isEqualTo(paused ? "paused" : "running");
            assertThat(copy.status()).isEqualTo(paused ? "paused" : "running");
            if (paused) {
                assertThat(copy.report().passes()).isZero();
                copy.qmp().execute("cont");
            }
            copy.runsOn();
            copy.isWhole();
            assertThat(copy.report().firstPass()).isBetween(before + 1, after + 2);
        }
    }
}
