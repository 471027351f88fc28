package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.testbed.ChApi;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// A built-in machine in a process of its own that speaks as Cloud Hypervisor does, with a guest that checks its own
/// memory, or one that waits for such a guest.
final class ChGuest implements AutoCloseable {
    static final int MEMORY_MIB = 8;

    static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path directory;
    private final Process process;

    private ChGuest(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
    }

    /// A guest that runs and has gone over its memory.
    ///
    /// @param options of [dev.dray.machine.Main]
    static ChGuest running(List<String> options) throws Exception {
        ChGuest guest = start(options);
        try {
            guest.runsOn();
            return guest;
        } catch (Exception | AssertionError e) {
            guest.close();
            throw e;
        }
    }

    /// A machine without a guest.
    static ChGuest waiting(List<String> options) throws Exception {
        var all = new ArrayList<>(options);
        all.add("--incoming");
        return start(all);
    }

    /// The options that have the machine's process stand still at these steps until [#goesOn].
    ///
    /// @param steps as [dev.dray.machine.vmm.Faults] names them
    static List<String> freezing(List<String> steps) {
        return steps.stream()
                .flatMap(step -> List.of("--fault", step + "=freeze").stream())
                .toList();
    }

    private static ChGuest start(List<String> options) throws Exception {
        Path directory = Files.createTempDirectory("dray-ch-");
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-Xshare:auto"));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of("dev.dray.machine.Main", "--api-socket", directory + "/api"));
        command.addAll(List.of("--report", directory + "/report", "--serial", directory + "/serial"));
        if (!options.contains("--memory-mib")) {
            command.addAll(List.of("--memory-mib", Integer.toString(MEMORY_MIB)));
        }
        command.addAll(options);
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        var guest = new ChGuest(
                directory,
                builder.redirectOutput(directory.resolve("log").toFile()).start());
        guest.await("its API socket", guest::listens);
        return guest;
    }

    /// The file is there a moment before anybody can connect.
    private boolean listens() {
        try (var _ = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    String address() {
        return "ch:" + socket();
    }

    Path socket() {
        return directory.resolve("api");
    }

    ChApi api() {
        return new ChApi(socket());
    }

    long pid() {
        return process.pid();
    }

    private String log() throws IOException {
        return Files.readString(directory.resolve("log"));
    }

    GuestReport report() throws IOException {
        return GuestReport.read(directory.resolve("report"));
    }

    /// The guest runs, and finds its memory right in at least two more passes.
    void runsOn() throws Exception {
        long from = report().passes();
        GuestReport report = GuestReport.await(directory.resolve("report"), r -> r.passes() >= from + 2, PATIENCE);
        assertThat(report.isClean()).as("%s", report).isTrue();
        assertThat(report.passes()).as("passes of the guest").isGreaterThanOrEqualTo(from + 2);
    }

    /// The guest checks every byte of its memory.
    void isWhole() throws Exception {
        int before = report().verified().size();
        asksForAll();
        Path log = directory.resolve("report");
        GuestReport report = GuestReport.await(log, r -> r.verified().size() > before, PATIENCE);
        assertThat(report.isClean()).as("%s", report).isTrue();
        assertThat(report.verified()).as("%s", report).hasSizeGreaterThan(before);
    }

    /// Tells the guest to check every byte of its memory.
    void asksForAll() throws IOException {
        try (var serial = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("serial")))) {
            serial.write(ByteBuffer.wrap(new byte[] {(byte) BareMetalGuest.VERIFY}));
        }
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    private void await(String what, Condition condition) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            assertThat(process.isAlive())
                    .as("the machine, at %s: %s", what, log())
                    .isTrue();
            assertThat(System.nanoTime()).as("waited for %s: %s", what, log()).isLessThan(until);
            Thread.sleep(2);
        }
    }

    /// Waits until the process stands still.
    ///
    /// @param run which brings it to the step where it does
    void awaitFrozen(DrayRun run) throws Exception {
        await("a step to freeze at", () -> {
            assertThat(run.isAlive() || isFrozen())
                    .as("dray has ended: %s", run)
                    .isTrue();
            return isFrozen();
        });
    }

    private boolean isFrozen() throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid()), "stat"));
        return stat.charAt(stat.lastIndexOf(')') + 2) == 'T';
    }

    /// Waits until a command, or a connection, is not answered any more at a step.
    void awaitStalled(FaultStep step) throws Exception {
        await("a stall at " + step, () -> log().contains("stalls at " + step));
    }

    void goesOn() throws Exception {
        Signals.send("CONT", pid());
    }

    /// `Running`, `Paused`, `Created`; empty if there is no VM.
    String state() throws IOException {
        return api().state();
    }

    /// Waits until no migration is under way and the VM is in one of these states; a VMM that still notices that a
    /// migration has ended says what was before it.
    String awaitState(String... wanted) throws Exception {
        var seen = new ArrayList<String>();
        await("the states " + List.of(wanted), () -> {
            seen.add(state());
            return Set.of(wanted).contains(seen.getLast())
                    && !api().get("vm.counters").body().contains("migrating");
        });
        return seen.getLast();
    }

    void awaitGone() throws Exception {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .as("the machine ends: %s", log())
                .isTrue();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// Ends it with SIGKILL, and waits until it is gone.
    void kill() throws Exception {
        process.destroyForcibly();
        awaitGone();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly().onExit().join(); // it writes into the directory
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
