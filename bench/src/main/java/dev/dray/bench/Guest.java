package dev.dray.bench;

import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// A real QEMU with the bare-metal guest, and QEMU's own ways to save and load it, which Dray is measured beside.
record Guest(RealQemu qemu) implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int POLL_MS = 1;

    /// A guest that visits little, slowly: its other memory stays as it was filled.
    static Parameters quiet(long memoryBytes, Fill fill) {
        return Parameters.ofMemory(memoryBytes)
                .with(fill)
                .withHotBytes(4 << 20)
                .withColdPages(0)
                .withDirtyRate(1 << 20);
    }

    /// Starts a guest and waits until it has filled its memory.
    static Guest start(Version version, long memoryBytes, Parameters parameters, Workplace at)
            throws IOException, InterruptedException {
        Guest guest = start(version, memoryBytes, parameters, at, List.of());
        GuestReport report = GuestReport.await(guest.qemu.serialLog(), r -> r.filled() && r.passes() >= 1, PATIENCE);
        if (!report.filled() || !report.isClean()) {
            throw new IOException("the guest did not start: " + report + guest.qemu.output());
        }
        return guest;
    }

    /// Starts a QEMU that waits for a guest like this.
    static Guest waiting(Version version, long memoryBytes, Parameters parameters, Workplace at) throws IOException {
        return start(version, memoryBytes, parameters, at, List.of("-incoming", "defer"));
    }

    private static Guest start(
            Version version, long memoryBytes, Parameters parameters, Workplace at, List<String> more)
            throws IOException {
        Path floppy = Files.write(at.file("guest.img"), BareMetalGuest.image(parameters));
        var arguments = new java.util.ArrayList<String>(List.of(
                "-machine", version.pcMachineType(),
                "-m", (memoryBytes >> 20) + "M",
                "-drive", "if=floppy,format=raw,readonly=on,file=" + floppy));
        arguments.addAll(more);
        var guest = new Guest(RealQemu.start(version, arguments));
        guest.qemu.qmp().execute("migrate-set-parameters", "{\"max-bandwidth\": 0}");
        guest.capability("events", true);
        return guest;
    }

    String version() throws IOException {
        var number = qemu.qmp().execute("query-version").path("qemu");
        return "QEMU " + number.path("major") + "." + number.path("minor") + "." + number.path("micro");
    }

    /// Processor time that QEMU has taken so far.
    long cpuMs() {
        return qemu.process().info().totalCpuDuration().orElseThrow().toMillis();
    }

    void stop() throws IOException {
        qemu.qmp().execute("stop");
    }

    /// After a migration: as before it, but for the guest's few steps in between.
    void standAgain() throws IOException {
        qemu.qmp().execute("cont");
        qemu.qmp().execute("stop");
    }

    void capability(String name, boolean on) throws IOException {
        qemu.qmp()
                .execute(
                        "migrate-set-capabilities",
                        "{\"capabilities\": [{\"capability\": \"" + name + "\", \"state\": " + on + "}]}");
    }

    /// Has QEMU save itself, and waits until it is done and the command it writes to has ended: milliseconds.
    double save(String command, Path mark) throws IOException, InterruptedException {
        Files.deleteIfExists(mark);
        long from = System.nanoTime();
        qemu.qmp().execute("migrate", "{\"uri\": \"exec:" + command + "; touch " + mark + "\"}");
        long until = from + PATIENCE.toNanos();
        while (!Files.exists(mark) && System.nanoTime() < until) {
            Thread.sleep(POLL_MS);
        }
        double ms = (System.nanoTime() - from) / 1e6;
        awaitMigration("completed");
        return ms;
    }

    /// Has a waiting QEMU load a file, until its guest runs: milliseconds.
    double load(String command) throws IOException {
        long from = System.nanoTime();
        qemu.qmp().execute("migrate-incoming", "{\"uri\": \"exec:" + command + "\"}");
        if (qemu.qmp().event("RESUME", PATIENCE) == null) {
            throw new IOException("the loaded guest does not run: " + qemu.status() + qemu.output());
        }
        return (System.nanoTime() - from) / 1e6;
    }

    void awaitMigration(String status) throws IOException, InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            String now = qemu.qmp().execute("query-migrate").path("status").asString("");
            if (now.equals(status)) {
                return;
            }
            if (now.equals("failed") || System.nanoTime() > until) {
                throw new IOException("QEMU's migration is " + now + qemu.output());
            }
            Thread.sleep(POLL_MS);
        }
    }

    @Override
    public void close() throws IOException {
        qemu.close();
    }
}
