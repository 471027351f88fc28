package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// A repository, self-checking guests on real QEMUs, and Dray's commands on them, for tests that read like a user's
/// day.
final class Journey implements AutoCloseable {
    static final int MEMORY_MIB = 64;
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path directory;
    private final Version version;

    Journey(Path directory, Version version) throws IOException {
        this.directory = directory;
        this.version = version;
        System.setProperty("dray.state", directory.resolve("state").toString());
        Files.write(directory.resolve("guest.img"), BareMetalGuest.image(Parameters.ofMemory((long) MEMORY_MIB << 20)));
    }

    Path directory() {
        return directory;
    }

    Path repository() {
        return directory.resolve("repository");
    }

    List<String> access() {
        return List.of(
                "--repo",
                repository().toString(),
                "--key-file",
                directory.resolve("key").toString());
    }

    /// A QEMU whose guest has begun to check its memory; the caller closes it.
    RealQemu source(String... more) throws IOException, InterruptedException {
        RealQemu qemu = start(more);
        assertClean(await(qemu, report -> report.passes() >= 2));
        return qemu;
    }

    /// A QEMU that waits for a guest.
    RealQemu waiting(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of(more));
        arguments.addAll(List.of("-incoming", "defer"));
        return start(arguments.toArray(String[]::new));
    }

    private RealQemu start(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of("-machine", version.pcMachineType()));
        if (!List.of(more).contains("-m")) {
            arguments.addAll(List.of("-m", Integer.toString(MEMORY_MIB)));
        }
        arguments.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + directory.resolve("guest.img")));
        arguments.addAll(List.of(more));
        return RealQemu.start(version, arguments);
    }

    static String address(RealQemu qemu) {
        return "qemu:" + qemu.qmpSocket();
    }

    CommandRun dray(String... command) {
        var line = new ArrayList<>(List.of(command));
        line.addAll(access());
        line.add("--json");
        return CommandRun.of(line.toArray(String[]::new));
    }

    /// A command that has to succeed.
    JsonNode does(String... command) {
        CommandRun run = dray(command);
        assertThat(run.exitCode())
                .as("%s: %s %s", List.of(command), run.out(), run.err())
                .isZero();
        return run.json();
    }

    /// A command that has to fail with this exit code.
    JsonNode fails(int exitCode, String... command) {
        CommandRun run = dray(command);
        assertThat(run.exitCode())
                .as("%s: %s %s", List.of(command), run.out(), run.err())
                .isEqualTo(exitCode);
        return run.json();
    }

    JsonNode capture(RealQemu qemu, String... more) {
        var line = new ArrayList<>(List.of("capture", address(qemu), "--name", "web1"));
        line.addAll(List.of(more));
        return does(line.toArray(String[]::new));
    }

    static GuestReport await(RealQemu qemu, Predicate<GuestReport> enough) throws IOException, InterruptedException {
        GuestReport report = GuestReport.await(qemu.serialLog(), enough, PATIENCE);
        assertThat(enough.test(report))
                .as("%s, QEMU said: %s", report, qemu.output())
                .isTrue();
        return report;
    }

    /// Waits for two more passes, all of them clean.
    static GuestReport runsOn(RealQemu qemu) throws IOException, InterruptedException {
        long last = GuestReport.read(qemu.serialLog()).lastPass();
        GuestReport report = await(qemu, seen -> seen.lastPass() >= last + 2 || !seen.isClean());
        assertClean(report);
        return report;
    }

    /// Has the guest check every byte of its memory.
    static void verifies(RealQemu qemu) throws IOException, InterruptedException {
        qemu.sendSerial(String.valueOf(BareMetalGuest.VERIFY));
        assertClean(await(qemu, seen -> !seen.verified().isEmpty() || !seen.isClean()));
    }

    static void assertClean(GuestReport report) {
        assertThat(report.errors()).isEmpty();
        assertThat(report.jumps()).isEmpty();
    }

    /// What Dray changes in a QEMU for a capture or a restore is as it was.
    static void assertSettingsAreBack(RealQemu qemu) throws IOException {
        for (JsonNode capability : qemu.qmp().execute("query-migrate-capabilities")) {
            assertThat(capability.path("state").asBoolean(true))
                    .as(capability.toString())
                    .isFalse();
        }
        JsonNode parameters = qemu.qmp().execute("query-migrate-parameters");
        assertThat(parameters.path("max-bandwidth").asLong(0)).isEqualTo(134217728);
        assertThat(parameters.path("downtime-limit").asLong(0)).isEqualTo(300);
        assertThat(parameters.path("multifd-channels").asLong(0)).isEqualTo(2);
    }

    @Override
    public void close() {
        System.clearProperty("dray.state");
    }
}
