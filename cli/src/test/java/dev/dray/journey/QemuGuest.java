package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.QmpClient;
import dev.dray.testbed.RealQemu;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// A real QEMU with a guest that checks its own memory, or one that waits for such a guest. The test's own control
/// connection is another than the one that Dray uses.
final class QemuGuest implements AutoCloseable {
    static final int MEMORY_MIB = 64;

    static final Duration PATIENCE = Duration.ofSeconds(60);

    /// What it visits in a pass: little, so that passes are short. The rest it checks when it is told to.
    private static final long HOT_BYTES = 4L << 20;

    /// It changes memory all the time but leaves the processor to others.
    private static final long DIRTY_BYTES_PER_SECOND = 48L << 20;

    private final Version version;
    private final RealQemu qemu;

    private QemuGuest(Version version, RealQemu qemu) {
        this.version = version;
        this.qemu = qemu;
    }

    /// A guest that runs.
    ///
    /// @param options added to QEMU's command line
    static QemuGuest running(Version version, String... options) throws Exception {
        return running(version, parameters().withDirtyRate(DIRTY_BYTES_PER_SECOND), options);
    }

    static QemuGuest running(Version version, Parameters parameters, String... options) throws Exception {
        var guest = start(version, parameters, MEMORY_MIB, options);
        try {
            guest.runsOn();
            return guest;
        } catch (Exception | AssertionError e) {
            guest.close();
            throw e;
        }
    }

    /// One that changes all of a large part of its memory as fast as it can.
    static Parameters hot() {
        return parameters().withHotBytes(32L << 20);
    }

    private static Parameters parameters() {
        return Parameters.ofMemory((long) MEMORY_MIB << 20).withHotBytes(HOT_BYTES);
    }

    /// The same machine, waiting for a guest.
    static QemuGuest waiting(Version version, String... options) throws IOException {
        return waiting(version, MEMORY_MIB, options);
    }

    static QemuGuest waiting(Version version, int memoryMib, String... options) throws IOException {
        var all = new ArrayList<>(List.of(options));
        all.addAll(List.of("-incoming", "defer"));
        return start(version, parameters(), memoryMib, all.toArray(String[]::new));
    }

    private static QemuGuest start(Version version, Parameters parameters, int memoryMib, String... options)
            throws IOException {
        Path directory = Files.createTempDirectory("dray-floppy-");
        Path floppy = Files.write(directory.resolve("guest.img"), BareMetalGuest.image(parameters));
        try {
            var line = new ArrayList<>(List.of("-m", memoryMib + "M"));
            if (!List.of(options).contains("-machine")) {
                line.addAll(List.of("-machine", version.pcMachineType()));
            }
            line.addAll(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
            line.addAll(List.of(options));
            return new QemuGuest(version, RealQemu.start(version, line));
        } finally {
            Files.delete(floppy); // QEMU has it open
            Files.delete(directory);
        }
    }

    Version version() {
        return version;
    }

    String address() {
        return "qemu:" + socket();
    }

    Path socket() {
        return qemu.qmpSocket();
    }

    QmpClient qmp() {
        return qemu.qmp();
    }

    Process process() {
        return qemu.process();
    }

    /// Where its serial port is written to.
    Path serialLog() {
        return qemu.serialLog();
    }

    String status() throws IOException {
        return qemu.status();
    }

    GuestReport report() throws IOException {
        return GuestReport.read(qemu.serialLog());
    }

    long lastPass() throws IOException {
        return report().lastPass();
    }

    /// The guest runs, and finds its memory right in at least two more passes.
    void runsOn() throws Exception {
        long from = report().passes();
        GuestReport report = GuestReport.await(qemu.serialLog(), r -> r.passes() >= from + 2, PATIENCE);
        assertThat(report.isClean()).as("%s", report).isTrue();
        assertThat(report.passes())
                .as("passes of the guest (status %s)", status())
                .isGreaterThanOrEqualTo(from + 2);
    }

    /// The guest checks every byte of its memory.
    void isWhole() throws Exception {
        int before = report().verified().size();
        qemu.sendSerial(String.valueOf(BareMetalGuest.VERIFY));
        GuestReport report =
                GuestReport.await(qemu.serialLog(), r -> r.verified().size() > before, PATIENCE);
        assertThat(report.isClean()).as("%s", report).isTrue();
        assertThat(report.verified()).as("%s (status %s)", report, status()).hasSizeGreaterThan(before);
    }

    /// Waits for what QEMU says of its guest.
    void awaitStatus(String... wanted) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        String status = status();
        while (!Set.of(wanted).contains(status)) {
            assertThat(System.nanoTime()).as("status stays %s", status).isLessThan(until);
            Thread.sleep(5);
            status = status();
        }
    }

    /// Waits until no migration is under way.
    void awaitNoMigration() throws Exception {
        awaitMigration("none", "failed", "cancelled", "completed");
    }

    void awaitMigration(String... wanted) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        JsonNode migration = qmp().execute("query-migrate");
        while (!Set.of(wanted).contains(migration.path("status").asString("none"))) {
            assertThat(System.nanoTime()).as("migration: %s", migration).isLessThan(until);
            Thread.sleep(2);
            migration = qmp().execute("query-migrate");
        }
    }

    /// The migration settings, to compare before and after.
    String settings() throws IOException {
        var settings = new TreeMap<String, JsonNode>();
        for (JsonNode each : qmp().execute("query-migrate-capabilities")) {
            settings.put(each.path("capability").asString(), each.path("state"));
        }
        JsonNode parameters = qmp().execute("query-migrate-parameters");
        parameters.properties().forEach(each -> settings.put(each.getKey(), each.getValue()));
        return settings.toString();
    }

    /// Cuts the connection of its migration, as a network would.
    void cutMigration() throws IOException {
        qmp().execute("yank", "{\"instances\": [{\"type\": \"migration\"}]}");
    }

    void awaitGone() throws Exception {
        assertThat(process().waitFor(PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS))
                .as("QEMU ended")
                .isTrue();
    }

    @Override
    public void close() throws IOException {
        process().destroyForcibly();
        qemu.close();
    }
}
