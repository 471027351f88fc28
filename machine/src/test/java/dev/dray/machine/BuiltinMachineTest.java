package dev.dray.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.testbed.QmpClient;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Built-in machines that migrate to each other, as QEMUs do.
@Timeout(60)
class BuiltinMachineTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final long FAST = 64 << 20;

    @TempDir
    Path directory;

    private Path main = Path.of("");

    @BeforeEach
    void paths() {
        main = directory.resolve("main");
    }

    private MachineOptions options(String name) {
        var program = new ProgramSettings(Workload.SWEEP, Fill.HALF, FAST);
        return MachineOptions.at(directory.resolve(name))
                .withName(name)
                .withMemory(MachineOptions.MEMORY_MIN)
                .with(program);
    }

    @ParameterizedTest
    @EnumSource
    void aGuestMovesWithEveryByteOfItsMemory(Workload workload) throws Exception {
        var program = new ProgramSettings(workload, Fill.HALF, FAST);
        try (var from = BuiltinMachine.start(options("from").with(program));
                var to = BuiltinMachine.start(options("to").incoming());
                var source = new QmpClient(directory.resolve("from"));
                var destination = new QmpClient(directory.resolve("to"))) {
            awaitPasses(from, 2);
            // The guest must not run on before its memory is compared.
            destination.execute("stop");
            migrate(source, destination, "return-path");
            assertThat(statusOf(source)).isEqualTo("postmigrate");
            assertThat(statusOf(destination)).isEqualTo("paused");
            assertSameMemory(from, to);
            long pass = from.report().lastPass();
            destination.execute("cont");
            assertThat(awaitPasses(to, 3).firstPass()).isEqualTo(pass + 1);
            assertThat(to.report().isClean()).isTrue();
            assertThat(from.report().isClean()).isTrue();
        }
    }

    @Test
    void aGuestRunsAtOnceWhereItArrives() throws Exception {
        try (var from = BuiltinMachine.start(options("from"));
                var to = BuiltinMachine.start(options("to").incoming());
                var source = new QmpClient(directory.resolve("from"));
                var destination = new QmpClient(directory.resolve("to"))) {
            awaitPasses(from, 1);
            migrate(source, destination, "events");
            assertThat(statusOf(destination)).isEqualTo("running");
            assertThat(awaitPasses(to, 2).isClean()).isTrue();
        }
    }

    private void migrate(QmpClient source, QmpClient destination, String capability) throws Exception {
        destination.execute("migrate-set-capabilities", on("events"));
        destination.execute("migrate-incoming", "{\"uri\": \"unix:" + main + "\"}");
        source.execute("migrate-set-capabilities", on("events"));
        source.execute("migrate-set-capabilities", on(capability));
        source.execute("migrate-set-parameters", "{\"max-bandwidth\": 0, \"downtime-limit\": 2000}");
        source.execute("migrate", "{\"uri\": \"unix:" + main + "\"}");
        assertThat(statuses(source)).containsExactly("setup", "active", "device", "completed");
        assertThat(statuses(destination)).containsExactly("setup", "active", "completed");
    }

    /// The statuses of a migration up to its end.
    static List<String> statuses(QmpClient client) throws Exception {
        List<String> statuses = new ArrayList<>();
        while (true) {
            var event = client.event("MIGRATION", PATIENCE);
            if (event == null) {
                throw new AssertionError("no end after " + statuses);
            }
            String status = event.path("data").path("status").asString();
            statuses.add(status);
            if (List.of("completed", "failed", "cancelled").contains(status)) {
                return statuses;
            }
        }
    }

    static String on(String capability) {
        return "{\"capabilities\": [{\"capability\": \"" + capability + "\", \"state\": true}]}";
    }

    static String statusOf(QmpClient client) throws Exception {
        return client.execute("query-status").path("status").asString();
    }

    static GuestReport awaitPasses(BuiltinMachine machine, long passes) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (machine.report().passes() < passes && machine.report().isClean() && System.nanoTime() < until) {
            Thread.sleep(5);
        }
        assertThat(machine.report().passes()).isGreaterThanOrEqualTo(passes);
        return machine.report();
    }

    static void assertSameMemory(BuiltinMachine one, BuiltinMachine other) {
        for (MemoryBlock block : one.memory().blocks()) {
            MemoryBlock same = other.memory().block(one.memory().indexOf(block.name()));
            assertThat(block.memory().mismatch(same.memory())).as(block.name()).isEqualTo(-1);
        }
    }

    static MemorySegment copyOf(BuiltinMachine machine) {
        MemorySegment memory = machine.memory().block(0).memory();
        return Arena.ofAuto().allocate(memory.byteSize()).copyFrom(memory);
    }
}
