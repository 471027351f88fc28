package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.QmpClient;
import dev.dray.testbed.RealQemu.Version;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// VMs that cannot be captured or restored into: exit code 3, a sentence that names the difference and the way out, and
/// a guest that nobody touched.
@Tag("vmm")
class RefusalTest {
    private static final String NAME = "web1";

    static List<Version> qemus() {
        return Version.present();
    }

    private static void refused(DrayRun.Ended ended, String... words) {
        assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(3);
        assertThat(ended.text("kind")).isEqualTo("refused");
        assertThat(ended.says()).contains(words);
        assertThat(ended.text("what_to_do")).as("%s", ended.json()).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aMachineThatIsNotTheCapturedOneIsNamed(Version version) throws Exception {
        try (var home = Household.open()) {
            try (var guest = QemuGuest.running(version, "-device", "virtio-rng-pci,addr=5")) {
                home.captures(guest, NAME);
                // A guest that runs is nothing to restore into.
                DrayRun.Ended ended = home.restore(NAME, guest);
                refused(ended, "does not wait for a guest: it is running", "-incoming defer");
                assertThat(ended.text("guest")).isEqualTo("running");
                guest.runsOn();
            }
            String[] same = {"-device", "virtio-rng-pci,addr=5"};
            notRestored(home, QemuGuest.waiting(version), "lacks PCI device", "virtio-rng");
            notRestored(home, QemuGuest.waiting(version, 96, same), "pc.ram has 67108864 bytes", "100663296", "-m");
            notRestored(
                    home,
                    QemuGuest.waiting(version, "-machine", "q35", "-device", "virtio-rng-pci,addr=5"),
                    "machine type " + version.pcMachineType(),
                    "-machine " + version.pcMachineType());
            try (var started = QemuGuest.waiting(version, same)) {
                String uri = "{\"uri\": \"unix:" + home.directory().resolve("elsewhere") + "\"}";
                started.qmp().execute("migrate-incoming", uri);
                refused(home.restore(NAME, started), "Start it again with -incoming defer");
            }
            try (var copy = QemuGuest.waiting(version, same)) {
                assertThat(home.restore(NAME, copy).exitCode()).isZero();
                copy.isWhole();
            }
        }
    }

    /// Refused, with nothing changed in the waiting machine.
    private static void notRestored(Household home, QemuGuest waiting, String... words) throws Exception {
        try (waiting) {
            String settings = waiting.settings();
            refused(home.restore(NAME, waiting), words);
            assertThat(waiting.status()).isEqualTo("inmigrate");
            assertThat(waiting.settings()).isEqualTo(settings);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void aVmThatQemuCannotMigrateIsToldInQemusWords(Version version) throws Exception {
        String[] blocker = {
            "-object", "memory-backend-ram,id=shm,size=1M,share=on", "-device", "ivshmem-plain,memdev=shm"
        };
        try (var home = Household.open();
                var guest = QemuGuest.running(version, blocker);
                var waiting = QemuGuest.waiting(version)) {
            String settings = guest.settings();
            DrayRun.Ended ended = home.capture(guest, NAME);
            refused(ended, "ivshmem");
            assertThat(ended.text("guest")).isEqualTo("running");
            refused(home.capture(waiting, NAME), "waits for an incoming migration");
            guest.runsOn();
            assertThat(guest.settings()).isEqualTo(settings);
            assertThat(home.listed()).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void someoneElsesMigrationIsLeftAlone(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version);
                var sink = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Path socket = home.directory().resolve("sink");
            sink.bind(UnixDomainSocketAddress.of(socket));
            guest.qmp().execute("migrate-set-parameters", "{\"max-bandwidth\": 100000}");
            guest.qmp().execute("migrate", "{\"uri\": \"unix:" + socket + "\"}");
            try (SocketChannel _ = sink.accept()) {
                guest.awaitMigration("active");
                String settings = guest.settings();
                refused(home.capture(guest, NAME), "Another migration of this VM is under way", "migrate_cancel");
                assertThat(guest.settings()).isEqualTo(settings);
                assertThat(guest.qmp().execute("query-migrate").path("status").asString())
                        .isEqualTo("active");
                guest.qmp().execute("migrate_cancel");
                guest.awaitNoMigration();
            }
            guest.runsOn();
            home.captures(guest, NAME);
        }
    }

    /// libvirt gives every QEMU this sandbox. One before 8.2 hangs its guest for ever if a background snapshot breaks
    /// off,
    /// and dies if it starts the program that prevents this.
    @ParameterizedTest
    @MethodSource("qemus")
    void aSandboxedQemuIsNotBroughtInDanger(Version version) throws Exception {
        boolean danger = version == Version.V7;
        try (var home = Household.open();
                var guest = QemuGuest.running(version, "-sandbox", "on,spawn=deny")) {
            String settings = guest.settings();
            DrayRun.Ended asked = home.capture(guest, NAME, "--mode", "background");
            DrayRun.Ended chosen = home.capture(guest, NAME);
            DrayRun.Ended doctor = home.dray("doctor", guest.address());
            if (danger) {
                refused(asked, "before 8.2", "sandbox", "--mode live");
                assertThat(asked.text("guest")).isEqualTo("running");
                assertThat(chosen.text("mode_reason")).contains("before 8.2", "sandbox");
            }
            assertThat(chosen.text("mode")).as("%s", chosen.json()).isEqualTo(danger ? "live" : "background");
            assertThat(doctor.json().toString().contains("before 8.2")).isEqualTo(danger);
            guest.runsOn();
            guest.isWhole();
            assertThat(guest.settings()).isEqualTo(settings);
            assertThat(home.listed()).hasSize(danger ? 1 : 2);
        }
    }

    /// QEMU migrates a guest that was let go only after it has run; Dray does not find that out in the middle.
    @ParameterizedTest
    @MethodSource("qemus")
    void aGuestThatWasLetGoIsNotCapturedTwice(Version version) throws Exception {
        try (var home = Household.open();
                var guest = QemuGuest.running(version)) {
            String settings = guest.settings();
            home.captures(guest, NAME, "--after", "pause");
            for (String mode : List.of("auto", "stop")) {
                DrayRun.Ended ended = home.capture(guest, NAME, "--mode", mode);
                refused(ended, "postmigrate", "Let it run with cont");
                assertThat(ended.text("guest")).isEqualTo("paused");
            }
            assertThat(guest.status()).isEqualTo("postmigrate");
            assertThat(guest.settings()).isEqualTo(settings);
            guest.qmp().execute("cont");
            guest.runsOn();
            home.captures(guest, NAME);
            assertThat(home.listed()).hasSize(2);
        }
    }

    @Test
    void aSocketThatIsNoQmpSocketOfOursIsTold() throws Exception {
        Version version = Version.present().getLast();
        try (var home = Household.open();
                var guest = QemuGuest.running(version);
                var mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Path silent = home.directory().resolve("silent");
            mute.bind(UnixDomainSocketAddress.of(silent));
            refused(home.capture(silent, NAME), "said nothing", "second one for Dray", "libvirt");

            try (var _ = new QmpClient(guest.socket())) { // in libvirt's place
                refused(
                        home.capture(guest.socket(), NAME),
                        "said nothing",
                        "another client, such as libvirt",
                        "-qmp unix:");
            }
            Path stale = home.directory().resolve("stale");
            try (var left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                left.bind(UnixDomainSocketAddress.of(stale));
            }
            refused(home.capture(stale, NAME), "Nobody answers", "stays behind when QEMU is killed");
            refused(home.capture(home.directory().resolve("nowhere"), NAME), "no socket", "-qmp unix:");
            Path file = Files.writeString(home.directory().resolve("file"), "text");
            refused(home.capture(file, NAME), "Nobody answers");
            guest.runsOn();
            home.captures(guest, NAME);
            assertThat(home.listed()).containsExactly(NAME + "@1");
        }
    }
}
