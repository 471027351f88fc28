package dev.dray.cli;

import static dev.dray.cli.Journey.address;
import static dev.dray.cli.Journey.assertSettingsAreBack;
import static dev.dray.cli.Journey.runsOn;
import static dev.dray.cli.Journey.verifies;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.GuestReport;
import dev.dray.testbed.RealQemu;
import dev.dray.testbed.RealQemu.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/// The whole journey on real QEMUs, with a guest that checks its own memory.
@Tag("vmm")
class JourneyOnQemuTest {
    @TempDir
    Path directory;

    static List<Version> qemus() {
        return Version.present();
    }

    static Stream<Arguments> qemusAndModes() {
        return qemus().stream()
                .flatMap(version -> Stream.of("background", "live", "stop").map(mode -> Arguments.of(version, mode)));
    }

    @ParameterizedTest
    @MethodSource("qemusAndModes")
    void aRunningGuestIsCapturedRunsOnAndComesBack(Version version, String mode) throws Exception {
        try (var journey = new Journey(directory, version);
                RealQemu source = journey.source()) {
            journey.does("init");
            long before = GuestReport.read(source.serialLog()).lastPass();
            JsonNode captured = journey.capture(source, "--mode", mode);
            long after = GuestReport.read(source.serialLog()).lastPass();
            assertThat(captured.path("guest").asString()).isEqualTo("running");
            assertThat(captured.path("mode").asString()).isEqualTo(mode);
            assertThat(captured.path("pause_ms").asDouble()).isPositive();
            runsOn(source);
            verifies(source);
            assertSettingsAreBack(source);
            assertThat(journey.does("verify").path("outcome").asString()).isEqualTo("verified");

            try (RealQemu target = journey.waiting()) {
                JsonNode restored = journey.does("restore", "web1", "--into", address(target));
                assertThat(restored.path("guest").asString()).isEqualTo("running");
                GuestReport report = runsOn(target);
                assertThat(report.firstPass()).isBetween(before + 1, after + 1);
                verifies(target);
                assertSettingsAreBack(target);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatIsToEndIsLetGoOnlyWithItsSnapshot(Version version) throws Exception {
        try (var journey = new Journey(directory, version);
                RealQemu source = journey.source()) {
            journey.does("init");
            JsonNode paused = journey.capture(source, "--mode", "live", "--after", "pause");
            assertThat(paused.path("guest").asString()).isEqualTo("paused");
            assertThat(source.status()).isEqualTo("postmigrate");
            assertSettingsAreBack(source);
            source.qmp().execute("cont");
            runsOn(source);

            JsonNode gone = journey.capture(source, "--mode", "stop", "--after", "quit");
            assertThat(gone.path("guest").asString()).isEqualTo("gone");
            assertThat(source.process().waitFor(10, java.util.concurrent.TimeUnit.SECONDS))
                    .isTrue();
            long last = GuestReport.read(source.serialLog()).lastPass();

            try (RealQemu target = journey.waiting()) {
                JsonNode restored = journey.does("restore", "web1@2", "--into", address(target), "--paused");
                assertThat(restored.path("guest").asString()).isEqualTo("paused");
                assertThat(target.status()).isEqualTo("paused");
                target.qmp().execute("cont");
                assertThat(runsOn(target).firstPass()).isEqualTo(last + 1);
                verifies(target);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aPausedGuestStaysPaused(Version version) throws Exception {
        try (var journey = new Journey(directory, version);
                RealQemu source = journey.source()) {
            journey.does("init");
            source.qmp().execute("stop");
            JsonNode captured = journey.capture(source);
            assertThat(captured.path("guest").asString()).isEqualTo("paused");
            assertThat(captured.path("mode").asString()).isEqualTo("stop");
            assertThat(captured.path("pause_ms").asDouble()).isZero();
            if (source.status().equals("postmigrate")) { // before QEMU 8.2
                assertThat(captured.path("warnings").toString()).contains("cannot be captured again before that");
                assertThat(journey.fails(3, "capture", address(source), "--name", "web1")
                                .path("what_to_do")
                                .asString())
                        .isEqualTo("let it run with cont");
            } else {
                journey.capture(source);
            }
            source.qmp().execute("cont");
            runsOn(source);
            try (RealQemu target = journey.waiting()) {
                JsonNode restored = journey.does("restore", "web1", "--into", address(target));
                assertThat(restored.path("guest").asString()).isEqualTo("paused");
                target.qmp().execute("cont");
                runsOn(target);
                verifies(target);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("qemusAndModes")
    void aCommandRunsWhileTheGuestStandsStill(Version version, String mode) throws Exception {
        try (var journey = new Journey(directory, version);
                RealQemu source = journey.source()) {
            journey.does("init");
            Path seen = directory.resolve("seen");
            String script = "env > " + seen + "; cat /proc/self/stat >> " + seen + "; echo disks-7";
            journey.capture(source, "--mode", mode, "--on-pause", script);
            runsOn(source);
            assertThat(Files.readString(seen)).contains("DRAY_VM=").doesNotContain("DRAY_KEY");

            JsonNode failed = journey.fails(
                    1, "capture", address(source), "--name", "web1", "--mode", mode, "--on-pause", "exit 3");
            assertThat(failed.path("guest").asString()).isEqualTo("running");
            assertThat(failed.path("message").asString()).isEqualTo("The --on-pause command failed with exit code 3");
            runsOn(source);
            assertThat(journey.does("list").path("snapshots")).hasSize(1);
            assertSettingsAreBack(source);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void writableDisksHaveToBeSpokenFor(Version version) throws Exception {
        Path disk = directory.resolve("disk.img");
        Files.write(disk, new byte[1 << 20]);
        Files.setLastModifiedTime(disk, FileTime.from(Instant.now().minusSeconds(60)));
        String drive = "if=none,id=d0,format=raw,file.locking=off,file=" + disk;
        String[] devices = {"-drive", drive};
        try (var journey = new Journey(directory, version);
                RealQemu source = journey.source(devices)) {
            journey.does("init");
            JsonNode captured = journey.capture(source, "--on-pause", "echo disks-7");
            assertThat(captured.path("warnings")).isEmpty();
            assertThat(journey.capture(source).path("warnings").toString()).contains("disk d0");
            try (RealQemu target = journey.waiting(devices)) {
                Files.setLastModifiedTime(disk, FileTime.from(Instant.now().plusSeconds(60)));
                JsonNode refused = journey.fails(3, "restore", "web1@1", "--into", address(target));
                assertThat(refused.path("what_to_do").asString()).contains("--disks-restored", "--disks-unchecked");
                journey.fails(3, "restore", "web1@1", "--into", address(target), "--disks-restored", "d0=disks-6");
                assertThat(target.status()).isEqualTo("inmigrate");
                journey.does("restore", "web1@1", "--into", address(target), "--disks-restored", "d0=disks-7");
                runsOn(target);
            }
            try (RealQemu target = journey.waiting(devices)) {
                Files.setLastModifiedTime(disk, FileTime.from(Instant.now().minusSeconds(60)));
                journey.does("restore", "web1", "--into", address(target));
                runsOn(target);
            }
        }
    }
}
