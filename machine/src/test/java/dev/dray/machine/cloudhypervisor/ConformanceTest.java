package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.Capture.After;
import dev.dray.Captured;
import dev.dray.ExitCode;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.Restore;
import dev.dray.RestoreMemory;
import dev.dray.Restored;
import dev.dray.machine.vmm.MemoryBlock;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Dray and the built-in machine in every flow: the guest checks its memory from inside, and from outside it is
/// compared
/// with what it was captured from.
@Timeout(120)
class ConformanceTest {
    private static final Model MANY_SLOTS = Model.standard().withZones(3).withSeed(7);

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
                    assertThat(from.machine().ended().get(10, TimeUnit.SECONDS)).isNotNull();
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

    /// What a guest that stands still had is in the snapshot, and in the memory of who gets it, byte for byte.
    @Test
    void memoryFromOutsideIsTheSameInEveryWayIn() throws Exception {
        try (var house = House.open()) {
            var from = house.running(MANY_SLOTS);
            from.runsOn(3);
            house.captures(from, After.PAUSE);
            for (Model model : new Model[] {MANY_SLOTS, MANY_SLOTS.withPrivateMemory(), MANY_SLOTS.asV53()}) {
                for (RestoreMemory memory : new RestoreMemory[] {new RestoreMemory.Eager(), House.lazy()}) {
                    var into = house.waiting(model);
                    var restore = house.restore(into, memory);
                    new Restore(
                                    restore.snapshot(),
                                    restore.repository(),
                                    restore.into(),
                                    true,
                                    restore.mapBlock(),
                                    restore.disks(),
                                    restore.memory(),
                                    restore.settings(),
                                    restore.copy(),
                                    false)
                            .run(new House.Watch());
                    assertThat(into.state()).isEqualTo("Paused");
                    assertSameMemory(from, into);
                    into.machine().close();
                }
            }
        }
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
            house.captures(house.running(MANY_SLOTS), After.RESUME);
            for (Model model : new Model[] {MANY_SLOTS, MANY_SLOTS.withPrivateMemory()}) {
                var into = house.waiting(model.repeating(3));
                Restored restored = house.restores(into, House.lazy());
                assertThat(restored.served().orElseThrow().requests())
                        .isGreaterThan(House.MEMORY_BYTES / 4096)
                        .isLessThan(2 * House.MEMORY_BYTES / 4096);
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
                var into = house.waiting(i % 4 == 3 ? model.withPrivateMemory() : model.repeating(i % 5 * 4));
                Restored restored = house.restores(into, House.lazy());
                assertThat(restored.served().orElseThrow().requests())
                        .as("restore %d", i)
                        .isGreaterThanOrEqualTo(House.MEMORY_BYTES / 4096);
                into.runsOn(1);
                into.isWhole();
                into.machine().close();
            }
        }
    }
}
