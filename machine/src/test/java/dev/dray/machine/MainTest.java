package dev.dray.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.machine.cloudhypervisor.Model;
import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.testbed.QmpClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class MainTest {
    @TempDir
    Path directory;

    @Test
    void readsItsCommandLine() {
        MachineOptions options = Main.options(List.of(
                "--qmp",
                "/q",
                "--qmp",
                "/r",
                "--incoming",
                "--memory-mib",
                "64",
                "--name",
                "n",
                "--workload",
                "hot",
                "--fill",
                "mostly-zero",
                "--dirty-rate",
                "1000",
                "--report",
                "/f",
                "--serial",
                "/s",
                "--refuse",
                "multifd",
                "--fault",
                "source-pages@2=cut"));
        assertThat(options.controlSockets()).containsExactly(Path.of("/q"), Path.of("/r"));
        assertThat(options.isIncoming()).isTrue();
        assertThat(options.memoryBytes()).isEqualTo(64 << 20);
        assertThat(options.name()).isEqualTo("n");
        assertThat(options.program()).isEqualTo(new ProgramSettings(Workload.HOT, Fill.MOSTLY_ZERO, 1000));
        assertThat(options.report()).contains(Path.of("/f"));
        assertThat(options.serialSocket()).contains(Path.of("/s"));
        assertThat(options.refusedCapabilities()).containsExactly("multifd");
        assertThat(options.faults().notHit()).map(each -> each.step()).containsExactly(FaultStep.SOURCE_PAGES);
        assertThat(options.model()).isEmpty();
        assertThat(Main.options(List.of("--api-socket", "/a", "--zones", "3", "--private", "--v53", "--repeat", "9"))
                        .model())
                .contains(Model.standard()
                        .withZones(3)
                        .withPrivateMemory()
                        .asV53()
                        .repeating(9));
        assertThatThrownBy(() -> Main.options(List.of())).hasMessage("--qmp or --api-socket is missing");
        assertThatThrownBy(() -> Main.options(List.of("--qmp"))).hasMessage("--qmp needs a value");
        assertThatThrownBy(() -> Main.options(List.of("--frob"))).hasMessage("unknown option --frob");
        assertThatThrownBy(() -> Main.options(List.of("--memory-mib", "x"))).hasMessageContaining("needs a number");
    }

    @Test
    void runsUntilItIsToldToQuit() throws Exception {
        Path report = directory.resolve("report");
        Path serial = directory.resolve("serial");
        Process process = start("--report", report.toString(), "--serial", serial.toString(), "--dirty-rate", "0");
        try {
            assertThat(GuestReport.awaitPasses(report, 2, Duration.ofMinutes(1)).isClean())
                    .isTrue();
            try (var qmp = new QmpClient(socket())) {
                assertThat(qmp.execute("query-version").path("package").asString())
                        .contains("built-in machine");
                try (var typing = SocketChannel.open(UnixDomainSocketAddress.of(serial))) {
                    typing.write(ByteBuffer.wrap(new byte[] {(byte) BareMetalGuest.VERIFY}));
                }
                GuestReport seen = GuestReport.await(report, r -> !r.verified().isEmpty(), Duration.ofMinutes(1));
                assertThat(seen.verified()).hasSize(1);
                qmp.execute("quit");
            }
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
            assertThat(socket()).doesNotExist();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aPlannedDeathEndsItAsAKillDoes() throws Exception {
        Process process = start("--fault", "control-command@2=die");
        try (var qmp = new QmpClient(socket())) {
            qmp.execute("query-status");
            assertThatThrownBy(() -> qmp.execute("query-status")).isInstanceOf(IOException.class);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(137);
        } finally {
            process.destroyForcibly();
        }
    }

    private Path socket() {
        return directory.resolve("qmp");
    }

    private Process start(String... more) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "--qmp",
                socket().toString(),
                "--memory-mib",
                "8"));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
        for (int i = 0; i < 6000 && !Files.exists(socket()) && process.isAlive(); i++) {
            Thread.sleep(10);
        }
        return process;
    }
}
