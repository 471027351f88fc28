package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.Capture.After;
import dev.dray.Captured;
import dev.dray.ExitCode;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.RestoreMemory;
import dev.dray.Restored;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.MemoryBlock;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Dray and the built-in machine in every flow: the guest checks its memory from inside, and from outside it is
/// compared
/// with what it was captured from.
@Timeout(600)
class ConformanceTest {
    private static final Model MANY_SLOTS = Model.standard().withZones(3).withSeed(7);

    /// How memory went into a VMM.
    private enum Way {
        HANDED_OVER,
        PUSHED,
        ON_DEMAND,
        INLINE;

        /// As the VMM saw it.
        static Way of(House.Vm into) {
            boolean files = into.faults().reached(FaultStep.RECEIVER_DESCRIPTOR) > 0;
            int asked = into.faults().reached(FaultStep.RECEIVER_PREFAULT)
                    + into.faults().reached(FaultStep.RECEIVER_FAULT);
            boolean pushed = into.faults().reached(FaultStep.RECEIVER_MEMORY) > 0;
            assertThat(pushed).as("%d requests", asked).isEqualTo(!files && asked == 0);
            return asked > 0 ? files ? ON_DEMAND : INLINE : files ? HANDED_OVER : PUSHED;
        }
    }

    static Stream<Arguments> captures() {
        return Stream.of(
                Arguments.of("descriptors, runs on", MANY_SLOTS, After.RESUME, false),
                Arguments.of("descriptors, stands still", MANY_SLOTS, After.PAUSE, false),
                Arguments.of("descriptors, ends", MANY_SLOTS, After.QUIT, false),
                Arguments.of("descriptors, of a guest that stands still", MANY_SLOTS, After.RESUME, true),
                Arguments.of("v53, descriptors, ends", MANY_SLOTS.asV53(), After.QUIT, false),
                Arguments.of("stream, ends", MANY_SLOTS.withPrivateMemory(), After.QUIT, false),
                Arguments.of("pull, ends", MANY_SLOTS.withPrivateMemory(), After.QUIT, true));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("captures")
    void whatIsCapturedRunsOnElsewhere(String how, Model model, After after, boolean isPaused) throws Exception {
        try (var house = House.open()) {
            var from = house.running(model);
            from.runsOn(2);
            if (isPaused) {
                assertThat(from.api().put("vm.pause").status()).isEqualTo(204);
            }
            Captured captured = house.captures(from, after);
            switch (after) {
                case RESUME -> {
                    assertThat(captured.guest()).isEqualTo(isPaused ? GuestFate.PAUSED : GuestFate.RUNNING);
                    assertThat(from.state()).isEqualTo(isPaused ? "Paused" : "Running");
                }
                case PAUSE -> {
                    assertThat(captured.guest()).isEqualTo(GuestFate.PAUSED);
                    assertThat(from.state()).isEqualTo("Paused");
                }
                case QUIT -> {
                    assertThat(captured.guest()).isEqualTo(GuestFate.GONE);
                    assertThat(from.machine().ended().get(60, TimeUnit.SECONDS)).isNotNull();
                }
            }
            assertThat(house.listed()).containsExactly(1L);
            house.verifies();
            for (RestoreMemory memory : new RestoreMemory[] {new RestoreMemory.Eager(), House.lazy()}) {
                var into = house.waiting(model);
                Restored restored = house.restores(into, memory);
                assertThat(restored.guest()).isEqualTo(isPaused ? GuestFate.PAUSED : GuestFate.RUNNING);
                if (isPaused) {
                    assertThat(into.state()).isEqualTo("Paused");
                    if (from.machine().ended().isDone()) {
                        continue;
                    }
                    assertSameMemory(from, into);
                    into.api().put("vm.resume");
                }
                boolean files = model.isShared() && (!model.isV53() || memory instanceof RestoreMemory.Eager);
                assertThat(Way.of(into))
                        .isEqualTo(
                                memory instanceof RestoreMemory.Eager
                                        ? files ? Way.HANDED_OVER : Way.PUSHED
                                        : files ? Way.ON_DEMAND : Way.INLINE);
                into.runsOn(2);
                into.isWhole();
            }
            if (after == After.RESUME && !isPaused) {
                from.runsOn(2);
                from.isWhole();
            }
        }
    }

    private static void assertSameMemory(House.Vm one, House.Vm other) {
        for (MemoryBlock block : one.machine().memory().blocks()) {
            int index = other.machine().memory().indexOf(block.name());
            MemoryBlock same = other.machine().memory().block(index);
            assertThat(block.memory().mismatch(same.memory())).as(block.name()).isEqualTo(-1);
        }
    }

    /// What a guest that stands still had is in the snapshot, and in the memory of who gets it, byte for byte. How its
    /// memory goes is the snapshot's configuration's to say, and the version's of the VMM that takes it.
    @Test
    void memoryFromOutsideIsTheSameInEveryWayIn() throws Exception {
        Set<Way> ways = EnumSet.noneOf(Way.class);
        try (var house = House.open()) {
            for (Model model : new Model[] {MANY_SLOTS, MANY_SLOTS.withPrivateMemory()}) {
                var from = house.running(model);
                from.runsOn(3);
                from.api().put("vm.pause");
                Map<String, MemorySegment> before = memory(from);
                house.captures(from, After.QUIT);
                for (Model version : new Model[] {model, model.asV53()}) {
                    for (RestoreMemory memory : new RestoreMemory[] {new RestoreMemory.Eager(), House.lazy()}) {
                        var into = house.waiting(version);
                        assertThat(house.restores(into, memory).guest()).isEqualTo(GuestFate.PAUSED);
                        assertThat(into.state()).isEqualTo("Paused");
                        memory(into)
                                .forEach((name, bytes) -> assertThat(bytes.mismatch(before.get(name)))
                                        .as("%s, %s", name, Way.of(into))
                                        .isEqualTo(-1));
                        ways.add(Way.of(into));
                        into.machine().close();
                    }
                }
            }
        }
        assertThat(ways).containsExactlyInAnyOrder(Way.values());
    }

    private static Map<String, MemorySegment> memory(House.Vm vm) {
        return vm.machine().memory().blocks().stream()
                .collect(Collectors.toMap(
                        MemoryBlock::name,
                        block -> MemorySegment.ofArray(block.memory().toArray(ValueLayout.JAVA_BYTE))));
    }

    @Test
    void aVmThatWouldEndIsRefusedBeforeAnythingIsTouched() throws Exception {
        try (var house = House.open()) {
            for (Model model : new Model[] {MANY_SLOTS.withPrivateMemory(), MANY_SLOTS.asV53()}) {
                var from = house.running(model);
                assertThatThrownBy(() -> house.captures(from, After.RESUME))
                        .isInstanceOfSatisfying(OperationException.class, e -> {
                            assertThat(e.outcome().exitCode()).isEqualTo(ExitCode.REFUSED);
                            assertThat(e.guest()).isEqualTo(GuestFate.RUNNING);
                            assertThat(e.failure().whatToDo()).contains("--after quit");
                        });
                assertThat(from.state()).isEqualTo("Running");
                from.runsOn(1);
            }
            assertThat(house.listed()).isEmpty();
        }
    }

    /// The real VMM may ask twice; a guest whose page was written again would be corrupt.
    @Test
    void aPageThatIsAskedForTwiceIsNotWrittenTwice() throws Exception {
        try (var house = House.open()) {
            for (Model model : new Model[] {MANY_SLOTS, MANY_SLOTS.withPrivateMemory()}) {
                house.captures(house.running(model), model.isShared() ? After.RESUME : After.QUIT);
                var into = house.waiting(model.repeating(3));
                Restored restored = house.restores(into, House.lazy());
                assertThat(restored.served().orElseThrow().requests())
                        .isGreaterThan(House.MEMORY_BYTES / 4096)
                        .isLessThan(2 * House.MEMORY_BYTES / 4096);
                assertThat(Way.of(into)).isEqualTo(model.isShared() ? Way.ON_DEMAND : Way.INLINE);
                into.runsOn(2);
                into.isWhole();
            }
        }
    }

    @Test
    void aGuestIsRestoredLazilyAgainAndAgain() throws Exception {
        int count = Integer.getInteger("dray.restores", 20);
        try (var house = House.open()) {
            house.captures(house.running(MANY_SLOTS), After.RESUME);
            for (int i = 0; i < count; i++) {
                Model model = Model.standard().withSeed(i);
                var into = house.waiting((i % 4 == 3 ? model.asV53() : model).repeating(i % 5 * 4));
                Restored restored = house.restores(into, House.lazy());
                assertThat(restored.served().orElseThrow().requests())
                        .as("restore %d", i)
                        .isGreaterThanOrEqualTo(House.MEMORY_BYTES / 4096);
                assertThat(Way.of(into)).isEqualTo(i % 4 == 3 ? Way.INLINE : Way.ON_DEMAND);
                into.runsOn(1);
                into.isWhole();
                into.machine().close();
            }
        }
    }
}
