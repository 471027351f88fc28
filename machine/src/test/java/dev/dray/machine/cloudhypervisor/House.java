package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.Capture;
import dev.dray.Captured;
import dev.dray.Init;
import dev.dray.KeySource;
import dev.dray.ListSnapshots;
import dev.dray.Listed;
import dev.dray.OperationException;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.Restore;
import dev.dray.RestoreMemory;
import dev.dray.Restored;
import dev.dray.Verify;
import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.Faults;
import dev.dray.testbed.ChApi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// A repository, Dray in this process, and machines whose guests check themselves; everything lies in one directory.
final class House implements AutoCloseable {
    static final String GUEST = "web1";

    /// Large enough for several zones and batches, small enough for hundreds of restores.
    static final long MEMORY_BYTES = 12 << 20;

    private static final long FAST = 32 << 20;

    private final Path directory;
    private final List<BuiltinMachine> machines = new ArrayList<>();
    private int next;

    private House(Path directory) {
        this.directory = directory;
    }

    static House open() throws Exception {
        House house = new House(Files.createTempDirectory("dray-house-"));
        // One for all houses, which may stand at the same time; sockets tell what is whose.
        System.setProperty(
                "dray.state", Path.of("target", "dray-state").toAbsolutePath().toString());
        new Init(house.access(), true, Init.Dedup.REPOSITORY).run(Progress.none());
        return house;
    }

    RepositoryAccess access() {
        return new RepositoryAccess(
                directory.resolve("repository").toString(), new KeySource.KeyFileAt(directory.resolve("key")));
    }

    Path directory() {
        return directory;
    }

    /// A machine, where its API socket is, and what goes wrong in it.
    record Vm(BuiltinMachine machine, Path socket, Faults faults) {
        String address() {
            return "ch:" + socket;
        }

        ChApi api() {
            return new ChApi(socket);
        }

        String state() throws Exception {
            return api().state();
        }

        /// Until the guest has done so many passes more, without an error.
        void runsOn(int passes) throws Exception {
            long until = machine.report().passes() + passes;
            MigrationTest.awaitPasses(machine, until);
            assertThat(machine.report().errors()).isEmpty();
        }

        /// Lets the guest check every page of its memory between two passes.
        void isWhole() throws Exception {
            long verified = machine.report().passes();
            machine.type("v");
            MigrationTest.awaitPasses(machine, verified + 3);
            assertThat(machine.report().errors()).isEmpty();
            assertThat(machine.report().isClean()).isTrue();
        }
    }

    private MachineOptions options(Model model, Faults faults) {
        return MachineOptions.cloudHypervisor(directory.resolve("ch" + next++))
                .withMemory(MEMORY_BYTES)
                .with(model)
                .with(new ProgramSettings(Workload.SWEEP, Fill.HALF, FAST))
                .with(faults);
    }

    private Vm start(MachineOptions options) {
        BuiltinMachine machine = BuiltinMachine.start(options);
        machines.add(machine);
        return new Vm(machine, options.controlSockets().getFirst(), options.faults());
    }

    /// A machine with a guest of its own that has done a pass.
    Vm running(Model model) throws Exception {
        return running(model, Faults.none());
    }

    Vm running(Model model, Faults faults) throws Exception {
        Vm vm = start(options(model, faults));
        vm.runsOn(1);
        return vm;
    }

    /// A machine that waits for a guest.
    Vm waiting(Model model) {
        return waiting(model, Faults.none());
    }

    Vm waiting(Model model, Faults faults) {
        return start(options(model, faults).incoming());
    }

    Captured captures(Vm vm, Capture.After after) throws OperationException {
        return capture(vm, after).run(new Watch());
    }

    Capture capture(Vm vm, Capture.After after) {
        Capture standard = Capture.of(vm.address(), access(), GUEST);
        return new Capture(
                standard.vm(),
                standard.repository(),
                standard.name(),
                standard.mode(),
                after,
                standard.onPause(),
                standard.labels(),
                standard.downtimeLimit(),
                standard.timeLimit(),
                standard.then(),
                standard.rateBytesPerSecond(),
                standard.compression(),
                false);
    }

    Restored restores(Vm into, RestoreMemory memory) throws OperationException {
        return restore(into, memory).run(new Watch());
    }

    Restore restore(Vm into, RestoreMemory memory) {
        return Restore.of(GUEST, access(), into.address()).with(memory);
    }

    static RestoreMemory lazy() {
        return new RestoreMemory.Lazy(new RestoreMemory.Prefetch.Recorded());
    }

    /// What `list` shows, as numbers.
    List<Long> listed() throws Exception {
        Listed listed = new ListSnapshots(access()).run(Progress.none());
        assertThat(listed.damaged()).isEmpty();
        return listed.snapshots().stream().map(each -> each.number()).toList();
    }

    void verifies() throws Exception {
        assertThat(Verify.of(access()).run(Progress.none()).problems()).isEmpty();
    }

    /// What Dray says while it works.
    static final class Watch implements Progress {
        private final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
        private final List<String> phases = Collections.synchronizedList(new ArrayList<>());
        private final AtomicBoolean cancelled = new AtomicBoolean();
        private final CountDownLatch allDone = new CountDownLatch(1);
        private volatile boolean guestRuns;

        @Override
        public void phase(String name) {
            phases.add(name);
        }

        @Override
        public void bytes(long done, long total) {
            if (done == total) {
                allDone.countDown();
            }
        }

        /// Waits until a phase has done all its bytes.
        void awaitAllDone() throws InterruptedException {
            if (!allDone.await(60, TimeUnit.SECONDS)) {
                throw new AssertionError("no phase had all its bytes done in a minute");
            }
        }

        @Override
        public void warning(String text) {
            warnings.add(text);
        }

        @Override
        public void guestRuns() {
            guestRuns = true;
        }

        @Override
        public boolean cancelled() {
            return cancelled.get();
        }

        void cancel() {
            cancelled.set(true);
        }

        boolean isGuestRunning() {
            return guestRuns;
        }

        List<String> warnings() {
            return List.copyOf(warnings);
        }
    }

    @Override
    public void close() throws IOException {
        machines.forEach(BuiltinMachine::close);
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
