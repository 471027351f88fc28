package dev.dray.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.Capture;
import dev.dray.Capture.After;
import dev.dray.Capture.Mode;
import dev.dray.Captured;
import dev.dray.Doctor;
import dev.dray.GuestFate;
import dev.dray.Init;
import dev.dray.KeySource;
import dev.dray.ListSnapshots;
import dev.dray.OperationException;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.Restore;
import dev.dray.Verify;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Faults.Action;
import dev.dray.testbed.QmpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A QEMU that dies, or whose migration or control connection breaks, at each step of each way to capture a guest and
/// to
/// bring it back: where the guest is, as Dray says and as it is; its settings; what is in the repository; and the next
/// one works.
@Timeout(600)
@Execution(ExecutionMode.CONCURRENT)
class QemuFlowFaultsTest {
    private static final String GUEST = "web1";
    private static final int COMMANDS_MAX = 100;

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void repository() throws Exception {
        // One for all tests, which may run at the same time; sockets tell what is whose.
        System.setProperty(
                "dray.state", Path.of("target", "dray-state").toAbsolutePath().toString());
        new Init(access(), true, Init.Dedup.REPOSITORY).run(Progress.none());
    }

    private RepositoryAccess access() {
        return new RepositoryAccess(
                directory.resolve("repository").toString(), new KeySource.KeyFileAt(directory.resolve("key")));
    }

    /// How a guest is captured.
    enum Way {
        BACKGROUND(Mode.BACKGROUND, After.RESUME),
        LIVE(Mode.LIVE, After.RESUME),
        STOP(Mode.STOP, After.RESUME),
        LIVE_AND_QUIT(Mode.LIVE, After.QUIT);

        private final Mode mode;
        private final After after;

        Way(Mode mode, After after) {
            this.mode = mode;
            this.after = after;
        }

        Stream<FaultStep> steps() {
            List<FaultStep> others = this == BACKGROUND
                    ? List.of(FaultStep.SOURCE_STOPPED, FaultStep.SOURCE_ANSWER)
                    : List.of(FaultStep.SOURCE_FROZEN);
            return Arrays.stream(FaultStep.values())
                    .filter(step -> step.name().startsWith("SOURCE_") && !others.contains(step));
        }
    }

    static Stream<Arguments> captures() {
        return Stream.of(Way.values())
                .flatMap(way ->
                        way.steps().flatMap(step -> actions(way, step).map(action -> Arguments.of(way, step, action))));
    }

    private static Stream<Action> actions(Way way, FaultStep step) {
        Action broken = step == FaultStep.SOURCE_CONNECT ? Action.ERROR : Action.CUT; // there is nothing to cut yet
        return way == Way.LIVE_AND_QUIT ? Stream.of(broken, Action.DIE) : Stream.of(broken);
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @MethodSource("captures")
    void aCaptureThatIsBrokenOff(Way way, FaultStep step, Action action) throws Exception {
        var faults = Faults.none();
        try (var machine = machine("vm", false, faults);
                var qmp = new QmpClient(own("vm"))) {
            BuiltinMachineTest.awaitPasses(machine, 1);
            String settings = settings(qmp);
            faults.plan(step, action);
            Outcome outcome = captures(way);
            assertThat(faults.notHit()).as(outcome.why).isEmpty();
            // Where QEMU has sent everything, and only its wait for the answer breaks off, all of the guest is here.
            assertThat(outcome.isStored())
                    .as(outcome.why)
                    .isIn(
                            false,
                            step == FaultStep.SOURCE_ANSWER && (way.after == After.RESUME || action == Action.DIE));
            if (action == Action.DIE) {
                assertThat(machine.ended()).isDone();
                assertThat(outcome.guest).as(outcome.why).isIn(GuestFate.GONE, GuestFate.UNKNOWN);
            } else {
                assertThat(outcome.guest).as(outcome.why).isEqualTo(GuestFate.RUNNING);
                runsOn(machine);
                assertThat(settings(qmp)).isEqualTo(settings);
            }
            assertThat(listed()).as(outcome.why).isEqualTo(outcome.isStored() ? 1 : 0);
            verifies();
            if (action != Action.DIE) {
                assertThat(captures(way).why).isEmpty();
            }
        }
    }

    /// QEMU lives, but Dray cannot speak with it any more: the guest is not left standing, and the next Dray puts back
    /// what this one could not.
    @ParameterizedTest
    @EnumSource(names = {"BACKGROUND", "LIVE"})
    void aCaptureWhoseControlConnectionBreaksAtAnyCommand(Way way) throws Exception {
        var faults = Faults.none();
        try (var machine = machine("vm", false, faults);
                var qmp = new QmpClient(own("vm"))) {
            BuiltinMachineTest.awaitPasses(machine, 1);
            String settings = settings(qmp);
            int stored = 0;
            int command = 1;
            while (true) {
                assertThat(command).as("commands of a capture").isLessThan(COMMANDS_MAX);
                FaultStep step = command % 2 == 0 ? FaultStep.CONTROL_ANSWER : FaultStep.CONTROL_COMMAND;
                faults.plan(step, faults.reached(step) + command, Action.CUT);
                Outcome outcome = captures(way);
                stored += outcome.isStored() ? 1 : 0;
                String which = "command " + command + ": " + outcome.why;
                assertThat(outcome.guest).as(which).isIn(GuestFate.RUNNING, GuestFate.UNKNOWN);
                runsOn(machine);
                assertThat(listed()).as(which).isEqualTo(stored);
                if (!faults.notHit().isEmpty()) {
                    break; // it has no more commands
                }
                new Doctor(Optional.of(address("vm"))).run(Progress.none());
                assertThat(settings(qmp)).as(which).isEqualTo(settings);
                command++;
            }
            assertThat(command).as("commands that broke").isGreaterThan(10);
            assertThat(stored).isPositive();
            verifies();
        }
    }

    static Stream<Arguments> restores() {
        return Arrays.stream(FaultStep.values())
                .filter(step -> step.name().startsWith("DESTINATION_"))
                .flatMap(step ->
                        Stream.of(Action.CUT, Action.ERROR, Action.DIE).map(action -> Arguments.of(step, action)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("restores")
    void aRestoreThatIsBrokenOff(FaultStep step, Action action) throws Exception {
        snapshot();
        var faults = Faults.none().plan(step, action);
        try (var machine = machine("into", true, faults)) {
            Outcome outcome = restores("into");
            assertThat(faults.notHit()).as(outcome.why).isEmpty();
            if (outcome.why.isEmpty()) {
                // Everything had arrived by then.
                assertThat(List.of(FaultStep.DESTINATION_DEVICES, FaultStep.DESTINATION_RUN))
                        .contains(step);
                assertThat(action).isEqualTo(Action.CUT);
                runsOn(machine);
            } else {
                assertThat(outcome.guest).as(outcome.why).isIn(GuestFate.GONE, GuestFate.UNKNOWN);
                assertThat(machine.report().passes())
                        .as("passes of half a guest")
                        .isZero();
            }
        }
        isRestored("next");
    }

    @ParameterizedTest
    @EnumSource(names = {"CONTROL_COMMAND", "CONTROL_ANSWER"})
    void aRestoreWhoseControlConnectionBreaksAtAnyCommand(FaultStep step) throws Exception {
        snapshot();
        int command = 1;
        for (boolean hit = true; hit; command++) {
            assertThat(command).as("commands of a restore").isLessThan(COMMANDS_MAX);
            var faults = Faults.none().plan(step, command, Action.CUT);
            try (var machine = machine("into" + command, true, faults)) {
                Outcome outcome = restores("into" + command);
                hit = faults.notHit().isEmpty();
                // Whatever Dray does not hear of any more: half a guest never runs.
                if (machine.status().equals("running")) {
                    runsOn(machine);
                }
                assertThat(machine.report().errors()).as(outcome.why).isEmpty();
                assertThat(outcome.why.isEmpty()).as(outcome.why).isIn(!hit, true);
            }
        }
        assertThat(command).as("commands that broke").isGreaterThan(5);
        isRestored("next");
    }

    private void snapshot() throws Exception {
        try (var machine = machine("vm", false, Faults.none())) {
            BuiltinMachineTest.awaitPasses(machine, 1);
            assertThat(captures(Way.STOP).why).isEmpty();
        }
    }

    private void isRestored(String name) throws Exception {
        try (var next = machine(name, true, Faults.none())) {
            assertThat(restores(name).why).isEmpty();
            runsOn(next);
        }
        assertThat(listed()).isEqualTo(1);
    }

    /// Dray is given its socket by another name, and so does not know whose it is: machines of one process are one VM
    /// to
    /// it otherwise, and one that it waits for after the machine has ended.
    private BuiltinMachine machine(String name, boolean incoming, Faults faults) throws Exception {
        var standard = MachineOptions.at(directory.resolve(name));
        var options = new MachineOptions(
                name,
                List.of(directory.resolve(name + "-dray"), own(name)),
                false,
                MachineOptions.MEMORY_MIN,
                new ProgramSettings(Workload.SWEEP, Fill.HALF, 32 << 20),
                standard.serialSocket(),
                standard.report(),
                standard.model(),
                standard.refusedCapabilities(),
                faults);
        Files.createSymbolicLink(directory.resolve(name), directory.resolve(name + "-dray"));
        return BuiltinMachine.start(incoming ? options.incoming() : options);
    }

    private String address(String name) {
        return "qemu:" + directory.resolve(name);
    }

    /// The test's own control socket of a machine.
    private Path own(String name) {
        return directory.resolve(name + "-own");
    }

    /// What Dray says: `why` is empty if all went well.
    private record Outcome(GuestFate guest, String why) {
        boolean isStored() {
            return why.isEmpty() || why.contains("is complete");
        }
    }

    private Outcome captures(Way way) {
        Capture standard = Capture.of(address("vm"), access(), GUEST);
        var capture = new Capture(
                standard.vm(),
                standard.repository(),
                standard.name(),
                way.mode,
                way.after,
                standard.onPause(),
                standard.labels(),
                standard.downtimeLimit(),
                standard.timeLimit(),
                standard.then(),
                standard.rateBytesPerSecond(),
                standard.compression(),
                false);
        try {
            Captured captured = capture.run(Progress.none());
            return new Outcome(captured.guest(), "");
        } catch (OperationException e) {
            return new Outcome(e.guest(), String.valueOf(e.failure()));
        }
    }

    private Outcome restores(String name) {
        try {
            return new Outcome(
                    Restore.of(GUEST, access(), address(name))
                            .run(Progress.none())
                            .guest(),
                    "");
        } catch (OperationException e) {
            return new Outcome(e.guest(), String.valueOf(e.failure()));
        }
    }

    private static void runsOn(BuiltinMachine machine) throws Exception {
        BuiltinMachineTest.awaitPasses(machine, machine.report().passes() + 2);
        assertThat(machine.report().isClean()).isTrue();
    }

    private static String settings(QmpClient qmp) throws Exception {
        var all = new ArrayList<String>();
        qmp.execute("query-migrate-capabilities").forEach(each -> all.add(each.toString()));
        all.add(qmp.execute("query-migrate-parameters").toString());
        return all.toString();
    }

    private int listed() throws Exception {
        var listed = new ListSnapshots(access()).run(Progress.none());
        assertThat(listed.damaged()).isEmpty();
        return listed.snapshots().size();
    }

    private void verifies() throws Exception {
        assertThat(Verify.of(access()).run(Progress.none()).problems()).isEmpty();
    }
}
