package dev.dray.machine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.PageError;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.testbed.QmpClient;
import dev.dray.vmm.qemu.wire.StreamForm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
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
@Timeout(300)
class BuiltinMachineTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

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

    @Test
    void aBackgroundSnapshotIsTheGuestOfOneInstant() throws Exception {
        // Faster than the pages are taken, so that many are put aside first.
        var program = new ProgramSettings(Workload.RANDOM, Fill.HALF, 0);
        try (var from = BuiltinMachine.start(options("from").with(program));
                var to = BuiltinMachine.start(options("to").incoming());
                var source = new QmpClient(directory.resolve("from"));
                var destination = new QmpClient(directory.resolve("to"));
                var sink = new Sink(main, StreamForm.BACKGROUND, true)) {
            awaitPasses(from, 2);
            source.execute("migrate-set-capabilities", on("background-snapshot"));
            source.execute("migrate", "{\"uri\": \"unix:" + main + "\"}");
            var state = sink.whole();
            long pass = from.report().passes();
            awaitPasses(from, pass + 2);
            destination.execute("migrate-incoming", "{\"uri\": \"unix:" + directory.resolve("in") + "\"}");
            try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("in")))) {
                sink.guest().send(state, bytes -> write(channel, bytes));
            }
            assertThat(awaitPasses(to, 3).isClean()).isTrue();
            assertThat(from.report().isClean()).isTrue();
        }
    }

    private static void write(SocketChannel channel, MemorySegment bytes) {
        try {
            ByteBuffer buffer = bytes.asByteBuffer();
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aWrongByteOnTheWayIsFoundByTheGuest() throws Exception {
        try (var from = BuiltinMachine.start(options("from"));
                var to = BuiltinMachine.start(options("to").incoming());
                var source = new QmpClient(directory.resolve("from"));
                var destination = new QmpClient(directory.resolve("to"))) {
            awaitPasses(from, 1);
            destination.execute("stop");
            migrate(source, destination, "return-path");
            MemorySegment memory = to.memory().block(0).memory();
            memory.set(JAVA_BYTE, 0x345678, (byte) (memory.get(JAVA_BYTE, 0x345678) ^ 1));
            destination.execute("cont");
            for (int i = 0; i < 12_000 && to.report().isClean(); i++) {
                Thread.sleep(5);
            }
            assertThat(to.report().errors()).extracting(PageError::address).containsExactly(0x345000L);
        }
    }

    @Test
    void aMachineOfAnotherSizeRefuses() throws Exception {
        try (var from = BuiltinMachine.start(options("from"));
                var to = BuiltinMachine.start(options("to").withMemory(16 << 20).incoming());
                var source = new QmpClient(directory.resolve("from"));
                var destination = new QmpClient(directory.resolve("to"))) {
            destination.execute("migrate-set-capabilities", on("events"));
            destination.execute("migrate-incoming", "{\"uri\": \"unix:" + main + "\", \"exit-on-error\": false}");
            source.execute("migrate-set-capabilities", on("return-path"));
            source.execute("migrate", "{\"uri\": \"unix:" + main + "\"}");
            assertThat(statuses(destination)).containsExactly("setup", "active", "failed");
            assertThat(destination.execute("query-migrate").path("error-desc").asString())
                    .isEqualTo("load of migration failed: Invalid argument");
            assertThat(to.status()).isEqualTo("inmigrate");
            assertThat(awaitPasses(from, from.report().passes() + 2).isClean()).isTrue();
        }
    }

    @Test
    void whatTheHostDoesNotAllowIsRefused() throws Exception {
        try (var _ = BuiltinMachine.start(options("from").refusing("background-snapshot"));
                var source = new QmpClient(directory.resolve("from"))) {
            assertThatThrownBy(() -> source.execute("migrate-set-capabilities", on("background-snapshot")))
                    .hasMessageContaining("Background-snapshot is not supported by host kernel");
            assertThatThrownBy(() -> source.execute("migrate-set-capabilities", on("xbzrle")))
                    .hasMessageContaining("does not have the capability 'xbzrle'");
        }
    }

    @Test
    void tellsOfItsMemoryAsQemuDoes() throws Exception {
        try (var _ = BuiltinMachine.start(options("from").withMemory(4L << 30).incoming());
                var qmp = new QmpClient(directory.resolve("from"))) {
            assertThat(qmp.human("info mtree -f"))
                    .contains("AS \"memory\", root: system")
                    .contains("0000000000000000-00000000bfffffff (prio 0, ram): pc.ram\r\n")
                    .contains("0000000100000000-000000013fffffff (prio 0, ram): pc.ram @00000000c0000000\r\n")
                    .contains("00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios");
            assertThat(qmp.execute("x-query-ramblock")
                            .path("human-readable-text")
                            .asString())
                    .contains(
                            "                  pc.ram    4 KiB  0x0000000000000000 0x0000000100000000 0x0000000100000000 0x")
                    .contains("/rom@etc/acpi/tables    4 KiB")
                    .contains("0x0000000000020000 0x0000000000200000");
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
}
