package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.RealQemu.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What surrounds a guest's memory: the command for its disks while it stands still, the disks themselves, and guests
/// that change faster than they can be read.
@Tag("vmm")
class HookAndDiskTest {
    private static final String NAME = "web1";

    static List<Version> qemus() {
        return Version.present();
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void theCommandRunsOnAStandingGuestAndItsIdIsKept(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            for (String mode : List.of("background", "live", "stop")) {
                Path said = home.directory().resolve("said-" + mode);
                long before = guest.lastPass();
                // It asks for what only a standing guest gives: no further pass while it runs.
                Path serial = guest.serialLog();
                String hook = "a=$(wc -c <" + serial + "); sleep 0.4; b=$(wc -c <" + serial + "); echo snap-" + mode
                        + "; echo \"$a $b\" >" + said;
                String id = home.captures(guest, NAME, "--mode", mode, "--on-pause", hook);
                String[] sizes = Files.readString(said).strip().split(" ", -1);
                assertThat(sizes[0]).as("serial log's size, %s", mode).isEqualTo(sizes[1]);
                assertThat(home.shown(id).toString()).doesNotContain("\"captured\":true"); // it has no disk
                guest.runsOn();
                assertThat(guest.lastPass()).isGreaterThan(before);
            }
            assertThat(home.listed()).hasSize(3);
        }
    }

    @Test
    void aCommandThatFailsEndsTheCaptureOnly() throws Exception {
        Version version = Version.present().getFirst();
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            for (String mode : List.of("background", "live", "stop")) {
                DrayRun.Ended ended = home.capture(guest, NAME, "--mode", mode, "--on-pause", "exit 7");
                assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(1);
                assertThat(ended.text("guest")).isEqualTo("running");
                assertThat(ended.says()).contains("exit code 7");
                assertThat(guest.settings()).isEqualTo(settings);
                guest.runsOn();
            }
            assertThat(home.listed()).isEmpty();
            home.captures(guest, NAME);
        }
    }

    @Test
    void childrenLearnNoSecretAndHaveAGroupOfTheirOwn() throws Exception {
        Version version = Version.present().getLast();
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            Path said = home.directory().resolve("said");
            Path ready = home.directory().resolve("ready");
            home.with("DRAY_PASSPHRASE", Household.SECRET).with("AWS_SECRET_ACCESS_KEY", Household.SECRET);
            String hook = "env >" + said + "; ps -o pgid= -p $$ >>" + said + "; echo pid $$ >>" + said + "; touch "
                    + ready + "; exec sleep 100";
            try (DrayRun run = home.startCapture(guest, NAME, "--mode", "live", "--on-pause", hook)) {
                CaptureFaultsTest.await(() -> Files.exists(ready), run);
                String text = Files.readString(said);
                assertThat(text).doesNotContain(Household.SECRET, "DRAY_KEY", "DRAY_PASSPHRASE");
                String pid = text.substring(text.indexOf("pid ") + 4).strip();
                String group = Files.readString(Path.of("/proc", pid, "stat")).split(" ", -1)[4];
                assertThat(group).as("its process group").isEqualTo(pid);
                for (ProcessHandle each :
                        ProcessHandle.of(run.pid()).orElseThrow().descendants().toList()) {
                    String line = Files.readString(Path.of("/proc", Long.toString(each.pid()), "cmdline"));
                    assertThat(line).doesNotContain(Household.SECRET);
                }
                run.signal("TERM");
                assertThat(run.end().exitCode()).isEqualTo(143);
                var command = ProcessHandle.of(Long.parseLong(pid));
                if (command.isPresent()) {
                    Signals.awaitEnd(command.get());
                }
            }
            guest.runsOn();
        }
    }

    @Test
    void aGuestThatDirtiesTooFastIsStoppedOrLeftAloneAsAsked() throws Exception {
        Version version = Version.present().getLast();
        try (var home = Household.open();
                var guest = QemuGuest.running(version, QemuGuest.hot())) {
            String settings = guest.settings();
            List<String> tight = List.of(
                    "--mode", "live", "--rate", "8M", "--downtime-limit", "1ms", "--time-limit", "2s", "--then");
            DrayRun.Ended failed = home.capture(guest, NAME, with(tight, "fail"));
            assertThat(failed.exitCode()).as("%s", failed.json()).isEqualTo(1);
            assertThat(failed.says()).contains("faster than it can be captured", "--then stop");
            assertThat(failed.text("guest")).isEqualTo("running");
            assertThat(guest.settings()).isEqualTo(settings);
            guest.runsOn();
            DrayRun.Ended stopped = home.capture(guest, NAME, with(tight, "stop"));
            assertThat(stopped.exitCode()).as("%s", stopped.json()).isZero();
            assertThat(stopped.text("guest")).isEqualTo("running");
            assertThat(guest.settings()).isEqualTo(settings);
            guest.runsOn();
            assertThat(home.listed()).containsExactly(NAME + "@1");
            home.verifies();
        }
    }

    private static String[] with(List<String> options, String last) {
        var all = new java.util.ArrayList<>(options);
        all.add(last);
        return all.toArray(String[]::new);
    }

    @Test
    void memoryIsNotRestoredOverADiskThatMovedOn() throws Exception {
        Version version = Version.present().getFirst();
        try (var home = Household.open()) {
            Path disk = home.directory().resolve("disk.img");
            Files.write(disk, new byte[1 << 20]);
            String[] drive = {
                "-drive",
                "if=none,id=vda,node-name=node0,format=raw,cache=writethrough,file=" + disk,
                "-device",
                "virtio-blk-pci,drive=vda,addr=6"
            };
            String plain;
            String hooked;
            try (var guest = QemuGuest.running(version, drive)) {
                DrayRun.Ended ended = home.capture(guest, NAME);
                plain = ended.text("snapshot");
                assertThat(ended.json().path("warnings").toString()).contains(disk.toString(), "is not captured");
                hooked = home.captures(guest, NAME, "--on-pause", "echo snap-17; echo more");
                assertThat(home.shown(hooked).toString()).contains("snap-17").doesNotContain("more");
            }
            Files.setLastModifiedTime(disk, FileTime.from(Instant.now().plusSeconds(5)));
            try (var copy = QemuGuest.waiting(version, drive)) {
                DrayRun.Ended ended = home.restore(plain, copy);
                assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(3);
                assertThat(ended.says()).contains(disk.toString(), "--disks-restored", "--disks-unchecked");
                ended = home.restore(hooked, copy, "--disks-restored", "node0=snap-18");
                assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(3);
                assertThat(ended.says()).contains("snap-17", "snap-18");
                restores(home, hooked, copy, "--disks-restored", "node0=snap-17");
            }
            restores(home, plain, version, drive, "--disks-unchecked");
            restores(home, plain, version, drive, "--disks-restored");
            Files.setLastModifiedTime(disk, FileTime.from(Instant.now().minusSeconds(86_400)));
            restores(home, plain, version, drive);
        }
    }

    private static void restores(Household home, String snapshot, Version version, String[] drive, String... options)
            throws Exception {
        try (var copy = QemuGuest.waiting(version, drive)) {
            restores(home, snapshot, copy, options);
        }
    }

    private static void restores(Household home, String snapshot, QemuGuest copy, String... options) throws Exception {
        DrayRun.Ended ended = home.restore(snapshot, copy, options);
        assertThat(ended.exitCode()).as("%s", ended.json()).isZero();
        copy.runsOn();
    }
}
