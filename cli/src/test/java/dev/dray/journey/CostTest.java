package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu.Version;
import dev.dray.tidy.Checkout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What `./dray` itself may cost, as a user starts it. How long something takes is measured in `bench`; here is what it
/// takes that long for.
@Tag("vmm")
class CostTest {
    private static final long RESIDENT_MIN = 32L << 20;
    private static final long RESIDENT_MAX = 300L << 20;

    private static final long CONTENT_BYTES = 192L << 20;

    @Test
    void aCaptureOf4GibStaysSmall() throws Exception {
        var parameters =
                Parameters.ofMemory(CONTENT_BYTES).withHotBytes(4L << 20).withDirtyRate(1L << 20);
        try (var home = Household.open();
                var guest = QemuGuest.running(Version.present().getLast(), parameters, "-m", "4096")) {
            long resident = 0;
            // Where this test is held up, a capture may be over that was looked at when it had just begun.
            for (int i = 0; i < 5 && resident < RESIDENT_MIN; i++) {
                resident = mostResident(home, guest);
            }
            assertThat(home.shown("large").path("memory_bytes").asLong()).isGreaterThan(4L << 30);
            assertThat(resident).as("bytes resident at most").isBetween(RESIDENT_MIN, RESIDENT_MAX);
        }
    }

    /// Of a capture.
    private static long mostResident(Household home, QemuGuest guest) throws Exception {
        Process capture = dray(
                home,
                "",
                "capture",
                guest.address(),
                "--repo",
                home.repository().toString(),
                "--name",
                "large",
                "--json");
        long resident = 0;
        while (capture.isAlive()) {
            resident = Math.max(resident, mostResident(capture.pid()));
            Thread.sleep(1);
        }
        String said = output(capture);
        assertThat(capture.exitValue()).as(said).isZero();
        assertThat(said).contains("\"outcome\":\"captured\"");
        return resident;
    }

    /// The kernel's mark of the most that was ever resident; 0 if the process has ended.
    private static long mostResident(long pid) throws IOException {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            if (ProcessHandle.of(pid).isEmpty()) {
                return 0; // one that ends while its file is read is told by ESRCH
            }
            throw e;
        }
    }

    /// A class from the cache costs next to nothing, any other is found, parsed, verified and linked.
    @ParameterizedTest
    @CsvSource({"--version, 0", "list, 220"})
    void aShortCommandFindsItsClassesInTheCache(String command, int othersMax) throws Exception {
        try (var home = Household.open()) {
            Path log = home.directory().resolve("classes");
            List<String> arguments = command.startsWith("-")
                    ? List.of(command)
                    : List.of(command, "--repo", home.repository().toString());
            Process dray = dray(home, "-Xlog:class+load:file=" + log, arguments.toArray(String[]::new));
            String said = output(dray);
            assertThat(dray.waitFor()).as(said).isZero();
            List<String> loaded = Files.readAllLines(log).stream()
                    .filter(line -> line.contains(" source: "))
                    .toList();
            assertThat(loaded).hasSizeGreaterThan(1000);
            List<String> others = loaded.stream()
                    .filter(line -> !line.contains("shared objects file"))
                    .toList();
            assertThat(others).hasSizeLessThanOrEqualTo(othersMax);
        }
    }

    private static Process dray(Household home, String javaOptions, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(Checkout.root().resolve("dray").toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment()
                .putAll(Map.of(
                        "XDG_STATE_HOME", home.directory().resolve("state").toString(),
                        "DRAY_KEY_FILE", home.directory().resolve("key").toString(),
                        "DRAY_JAVA_OPTIONS", javaOptions));
        return builder.start();
    }

    private static String output(Process process) throws Exception {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(said).isTrue();
        return said;
    }
}
