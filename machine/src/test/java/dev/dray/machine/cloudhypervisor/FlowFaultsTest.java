package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.Capture.After;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.RestoreMemory;
import dev.dray.error.PeerException;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Faults.Action;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The VMM dies, or a connection breaks, at each step of each flow: where the guest is, as Dray says and as it is; what
/// is in the repository; and the next one works.
@Timeout(600)
@Execution(ExecutionMode.CONCURRENT)
class FlowFaultsTest {
    private static Model model(boolean isShared) {
        Model shared = Model.standard().withZones(2);
        return isShared ? shared : shared.withPrivateMemory();
    }

    /// A way out of a VMM, and its steps.
    enum Way {
        DESCRIPTORS_AND_RESUME(true, After.RESUME, false),
        DESCRIPTORS_AND_QUIT(true, After.QUIT, false),
        STREAM(false, After.QUIT, false),
        PULL(false, After.QUIT, true);

        private final boolean isShared;
        private final After after;
        private final boolean isPaused;

        Way(boolean isShared, After after, boolean isPaused) {
            this.isShared = isShared;
            this.after = after;
            this.isPaused = isPaused;
        }

        GuestFate before() {
            return isPaused ? GuestFate.PAUSED : GuestFate.RUNNING;
        }

        List<FaultStep> steps() {
            List<FaultStep> steps = new ArrayList<>(List.of(FaultStep.SENDER_START, FaultStep.SENDER_CONFIG));
            switch (this) {
                case DESCRIPTORS_AND_RESUME, DESCRIPTORS_AND_QUIT -> steps.add(FaultStep.SENDER_DESCRIPTOR);
                case STREAM ->
                    steps.addAll(List.of(
                            FaultStep.SENDER_TABLE,
                            FaultStep.SENDER_MEMORY,
                            FaultStep.SENDER_MEMORY_BODY,
                            FaultStep.SENDER_MEMORY_ANSWER,
                            FaultStep.SENDER_PAUSED));
                case PULL ->
                    steps.addAll(List.of(
                            FaultStep.SENDER_FAULT_CONNECTION, FaultStep.SENDER_SERVE, FaultStep.SENDER_SERVE_BODY));
            }
            steps.addAll(List.of(
                    FaultStep.SENDER_CONFIG_ANSWER,
                    FaultStep.SENDER_STATE,
                    FaultStep.SENDER_STATE_ANSWER,
                    FaultStep.SENDER_COMPLETE,
                    FaultStep.SENDER_COMPLETE_ANSWER));
            return steps;
        }
    }

    static Stream<Arguments> captures() {
        return Stream.of(Way.values())
                .flatMap(way -> way.steps().stream()
                        .flatMap(step ->
                                Stream.of(Action.CUT, Action.DIE).map(action -> Arguments.of(way, step, action))));
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @MethodSource("captures")
    void aCaptureThatIsBrokenOff(Way way, FaultStep step, Action action) throws Exception {
        Faults faults = Faults.none();
        try (var house = House.open()) {
            var vm = house.running(model(way.isShared), faults);
            if (way.isPaused) {
                vm.api().put("vm.pause");
            }
            faults.plan(step, action);
            GuestFate said;
            String why = "";
            try {
                said = house.captures(vm, way.after).guest();
            } catch (OperationException e) {
                said = e.guest();
                why = e.toString();
            }
            assertThat(faults.notHit()).as(why).isEmpty();
            GuestFate is = settled(vm);
            assertThat(said).as("what Dray says: %s", why).isIn(is, whenItCannotKnow(action, is));
            assertThat(is).isEqualTo(action == Action.DIE ? GuestFate.GONE : way.before());
            // Only the last answer comes when all is here; a VMM that is gone before has its guest still.
            boolean isStored = why.isEmpty() || why.contains("is complete");
            assertThat(house.listed()).as(why).hasSize(isStored ? 1 : 0);
            assertThat(isStored).as(why).isIn(false, step == FaultStep.SENDER_COMPLETE_ANSWER);
            house.verifies();
            if (action == Action.CUT) {
                int before = house.listed().size();
                house.captures(vm, way.after);
                assertThat(house.listed()).hasSize(before + 1);
            }
        }
    }

    /// Who hears nothing any more says that he does not know.
    private static GuestFate whenItCannotKnow(Action action, GuestFate is) {
        return action == Action.DIE ? GuestFate.UNKNOWN : is;
    }

    /// Where the guest is in the end; a migration that fails gives it back soon.
    private static GuestFate settled(House.Vm vm) throws Exception {
        for (int i = 0;
                i < 12_000
                        && vm.machine().status().equals("Migrating")
                        && !vm.machine().ended().isDone();
                i++) {
            Thread.sleep(5);
        }
        if (vm.machine().ended().isDone()) {
            return GuestFate.GONE;
        }
        return switch (vm.machine().status()) {
            case "Running" -> GuestFate.RUNNING;
            case "Paused" -> GuestFate.PAUSED;
            default -> GuestFate.GONE;
        };
    }

    /// A way into a VMM, and its steps.
    enum WayIn {
        EAGER_DESCRIPTORS(true, false),
        EAGER_PUSH(false, false),
        LAZY_SHARED(true, true),
        LAZY_INLINE(false, true);

        private final boolean isShared;
        private final boolean isLazy;

        WayIn(boolean isShared, boolean isLazy) {
            this.isShared = isShared;
            this.isLazy = isLazy;
        }

        RestoreMemory memory() {
            return isLazy ? House.lazy() : new RestoreMemory.Eager();
        }

        List<FaultStep> steps() {
            List<FaultStep> steps = new ArrayList<>(
                    List.of(FaultStep.RECEIVER_ACCEPT, FaultStep.RECEIVER_START, FaultStep.RECEIVER_CONFIG));
            switch (this) {
                case EAGER_DESCRIPTORS -> steps.add(FaultStep.RECEIVER_DESCRIPTOR);
                case EAGER_PUSH -> steps.addAll(List.of(FaultStep.RECEIVER_MEMORY, FaultStep.RECEIVER_MEMORY_ANSWER));
                case LAZY_SHARED ->
                    steps.addAll(List.of(
                            FaultStep.RECEIVER_DESCRIPTOR, FaultStep.RECEIVER_PREFAULT, FaultStep.RECEIVER_FAULT));
                case LAZY_INLINE -> steps.addAll(List.of(FaultStep.RECEIVER_PREFAULT, FaultStep.RECEIVER_FAULT));
            }
            steps.addAll(List.of(
                    FaultStep.RECEIVER_STATE,
                    FaultStep.RECEIVER_STATE_ANSWER,
                    FaultStep.RECEIVER_COMPLETE,
                    FaultStep.RECEIVER_COMPLETE_ANSWER));
            return steps;
        }
    }

    static Stream<Arguments> restores() {
        return Stream.of(WayIn.values())
                .flatMap(way -> way.steps().stream()
                        .flatMap(step -> Stream.of(Action.CUT, Action.ERROR, Action.DIE)
                                .filter(action -> !isSilent(step, action))
                                .map(action -> Arguments.of(way, step, action))));
    }

    /// Nothing is broken off: the test below.
    private static boolean isSilent(FaultStep step, Action action) {
        return step == FaultStep.RECEIVER_PREFAULT && action == Action.ERROR;
    }

    /// A VMM that gives up fetching ahead tells nobody. The user is told, after half a minute; that is waited for
    /// once.
    @ParameterizedTest
    @EnumSource(names = {"LAZY_SHARED", "LAZY_INLINE"})
    void aGuestWhoseVmmGivesUpFetchingAheadIsServedOnUntilItEnds(WayIn way) throws Exception {
        try (var house = House.open()) {
            house.captures(house.running(model(way.isShared)), way.isShared ? After.RESUME : After.QUIT);
            Faults faults = Faults.none().plan(FaultStep.RECEIVER_PREFAULT, Action.ERROR);
            var into = house.waiting(model(way.isShared), faults);
            var watch = new House.Watch();
            var restore =
                    new FutureTask<>(() -> house.restore(into, way.memory()).run(watch));
            Thread.ofPlatform().daemon().start(restore);
            while (!faults.notHit().isEmpty() || !watch.isGuestRunning()) {
                assertThat(restore).as("%s", watch.warnings()).isNotDone();
                Thread.sleep(5);
            }
            into.runsOn(1);
            into.isWhole();
            while (way.isShared && watch.warnings().stream().noneMatch(text -> text.contains("given up fetching"))) {
                Thread.sleep(100);
            }
            assertThat(restore).as("its guest may need more").isNotDone();
            into.machine().close();
            if (way.isShared) { // and all of it in place, in a process that lives: this one
                assertThat(restore.get(60, TimeUnit.SECONDS).guest()).isEqualTo(GuestFate.RUNNING);
            } else {
                assertThatThrownBy(() -> restore.get(60, TimeUnit.SECONDS))
                        .hasCauseInstanceOf(OperationException.class)
                        .hasMessageContaining("before it had all");
            }
        }
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @MethodSource("restores")
    void aRestoreThatIsBrokenOff(WayIn way, FaultStep step, Action action) throws Exception {
        try (var house = House.open()) {
            house.captures(house.running(model(way.isShared)), way.isShared ? After.RESUME : After.QUIT);
            boolean isHit = false;
            for (int attempt = 0; attempt < 20 && !isHit; attempt++) {
                isHit = breaks(house, way, step, action);
            }
            assertThat(isHit).as("whether the step was ever reached").isTrue();
            assertThat(house.listed()).hasSize(1);
            var next = house.waiting(model(way.isShared));
            assertThat(house.restores(next, way.memory()).guest()).isEqualTo(GuestFate.RUNNING);
            next.runsOn(1);
            next.isWhole();
        }
    }

    /// @return false if the step was not reached: a guest may find each of its pages there already
    private static boolean breaks(House house, WayIn way, FaultStep step, Action action) throws Exception {
        Faults faults = Faults.none().plan(step, action);
        var into = house.waiting(model(way.isShared), faults);
        GuestFate said;
        try {
            said = house.restores(into, way.memory()).guest();
            assertThat(faults.notHit()).as("it works in spite of the fault").isNotEmpty();
            return false;
        } catch (OperationException e) {
            said = e.guest();
            assertThat(e.failure()).isInstanceOf(PeerException.class);
        }
        assertThat(faults.notHit()).isEmpty();
        if (step == FaultStep.RECEIVER_FAULT || step == FaultStep.RECEIVER_PREFAULT) {
            into.machine().ended().get(60, TimeUnit.SECONDS); // at the first page that its guest does not get
        }
        assertThat(said).as("what Dray says").isIn(settled(into), GuestFate.UNKNOWN);
        return true;
    }
}
