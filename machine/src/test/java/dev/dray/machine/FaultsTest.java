package dev.dray.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Faults.Action;
import dev.dray.testbed.QmpClient;
import dev.dray.vmm.qemu.wire.StreamForm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every step at which a fault can be planned is reached, and leaves the guest where it should be.
@Timeout(300)
class FaultsTest {
    private static final List<FaultStep> BACKGROUND_ONLY = List.of(FaultStep.SOURCE_FROZEN);
    private static final List<FaultStep> PRECOPY_ONLY = List.of(FaultStep.SOURCE_STOPPED, FaultStep.SOURCE_ANSWER);

    @TempDir
    Path directory;

    static Stream<Arguments> sourceFaults() {
        List<Arguments> all = new ArrayList<>();
        for (FaultStep step : FaultStep.values()) {
            for (Action action : List.of(Action.CUT, Action.ERROR, Action.STALL, Action.DIE)) {
                boolean isSource = step.name().startsWith("SOURCE_");
                if (isSource && !BACKGROUND_ONLY.contains(step)) {
                    all.add(Arguments.of(step, action, "return-path"));
                }
                if (isSource && !PRECOPY_ONLY.contains(step)) {
                    all.add(Arguments.of(step, action, "background-snapshot"));
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("sourceFaults")
    void aSourceThatFailsKeepsItsGuest(FaultStep step, Action action, String capability) throws Exception {
        Faults faults = Faults.none().plan(step, action);
        StreamForm form = capability.equals("return-path") ? StreamForm.WAITING : StreamForm.BACKGROUND;
        try (var machine = start("source", false, faults);
                var qmp = new QmpClient(directory.resolve("source"));
                var sink = new Sink(directory.resolve("stream"), form, true)) {
            migrate(qmp, capability, "stream");
            awaitHit(faults);
            if (action == Action.DIE) {
                assertThat(machine.ended().get(60, TimeUnit.SECONDS)).isEqualTo(137);
                if (step != FaultStep.SOURCE_ANSWER && step != FaultStep.SOURCE_CONNECT) {
                    assertThatThrownBy(sink::whole).isNotNull();
                }
                assertThatThrownBy(() -> qmp.execute("query-status")).isInstanceOf(IOException.class);
                return;
            }
            // A source that connects no more is not waited for by anyone; the others see the end of the connection.
            boolean isBeforeConnection = step == FaultStep.SOURCE_CONNECT;
            if (action == Action.STALL && !isBeforeConnection) {
                sink.hangUp();
            }
            if (isBeforeConnection && action != Action.ERROR) {
                sink.whole();
                sink.hangUp();
            }
            awaitEndOfMigration(qmp);
            BuiltinMachineTest.awaitPasses(machine, machine.report().passes() + 2);
            assertThat(BuiltinMachineTest.statusOf(qmp)).isEqualTo("running");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ALL, names = "DESTINATION_.*")
    void aDestinationThatFailsLeavesTheGuestWhereItWas(FaultStep step) throws Exception {
        for (Action action : List.of(Action.CUT, Action.ERROR, Action.DIE)) {
            Faults faults = Faults.none().plan(step, action);
            String name = "destination-" + action;
            try (var from = start("from-" + action, false, Faults.none());
                    var to = start(name, true, faults);
                    var source = new QmpClient(directory.resolve("from-" + action));
                    var destination = new QmpClient(directory.resolve(name))) {
                mayDieOf(
                        destination,
                        "migrate-incoming",
                        "{\"uri\": \"unix:" + directory.resolve("in-" + action) + "\", \"exit-on-error\": false}");
                migrate(source, "return-path", "in-" + action);
                awaitHit(faults);
                awaitEndOfMigration(source);
                BuiltinMachineTest.awaitPasses(from, from.report().passes() + 2);
                assertThat(to.report().passes()).isZero();
                assertThat(action == Action.DIE || to.status().equals("inmigrate"))
                        .isTrue();
            }
        }
    }

    @Test
    void theNextMigrationAfterAFaultWorks() throws Exception {
        Faults faults = Faults.parse(List.of("source-pages@3=cut"));
        try (var machine = start("source", false, faults);
                var qmp = new QmpClient(directory.resolve("source"))) {
            try (var sink = new Sink(directory.resolve("stream"), StreamForm.WAITING, true)) {
                migrate(qmp, "return-path", "stream");
                assertThatThrownBy(sink::whole).isNotNull();
                awaitEndOfMigration(qmp);
            }
            assertThat(faults.notHit()).isEmpty();
            try (var sink = new Sink(directory.resolve("stream"), StreamForm.WAITING, true)) {
                migrate(qmp, "return-path", "stream");
                sink.whole();
            }
            awaitEndOfMigration(qmp);
            assertThat(machine.report().isClean()).isTrue();
        }
    }

    @Test
    void theControlSocketCanFailInEachWay() throws Exception {
        Faults faults = Faults.none();
        try (var machine = start("source", false, faults)) {
            Path socket = directory.resolve("source");
            faults.plan(FaultStep.CONTROL_GREETING, Action.CUT);
            assertThatThrownBy(() -> new QmpClient(socket).close()).isInstanceOf(IOException.class);
            try (var qmp = new QmpClient(socket)) {
                faults.plan(FaultStep.CONTROL_COMMAND, Action.ERROR);
                assertThatThrownBy(() -> qmp.execute("query-status")).hasMessageContaining("CONTROL_COMMAND");
                assertThat(BuiltinMachineTest.statusOf(qmp)).isEqualTo("running");
                faults.plan(FaultStep.CONTROL_ANSWER, Action.CUT);
                assertThatThrownBy(() -> qmp.execute("stop")).isInstanceOf(IOException.class);
            }
            assertThat(machine.status()).isEqualTo("paused");
            try (var qmp = new QmpClient(socket)) {
                qmp.execute("cont");
                assertThat(machine.status()).isEqualTo("running");
                faults.plan(FaultStep.CONTROL_COMMAND, Action.DIE);
                assertThatThrownBy(() -> qmp.execute("stop")).isInstanceOf(IOException.class);
            }
            assertThat(machine.ended().get(60, TimeUnit.SECONDS)).isEqualTo(137);
            assertThat(faults.notHit()).isEmpty();
        }
    }

    @Test
    void plansAreReadAsTheyAreWritten() {
        Faults faults = Faults.parse(List.of("SOURCE_PAGES@3=stall", "destination-run=die"));
        assertThat(faults.notHit())
                .map(Object::toString)
                .containsExactly("SOURCE_PAGES@3=STALL", "DESTINATION_RUN@1=DIE");
        assertThat(faults.reach(FaultStep.SOURCE_PAGES)).isEmpty();
        assertThat(faults.reach(FaultStep.SOURCE_PAGES)).isEmpty();
        assertThat(faults.reach(FaultStep.SOURCE_PAGES)).contains(Action.STALL);
        assertThat(faults.reach(FaultStep.SOURCE_PAGES)).isEmpty();
        assertThat(faults.reached(FaultStep.SOURCE_PAGES)).isEqualTo(4);
        assertThat(faults.notHit()).hasSize(1);
        assertThatThrownBy(() -> Faults.parse(List.of("source-pages"))).hasMessageContaining("STEP=ACTION");
        assertThatThrownBy(() -> Faults.parse(List.of("x=die"))).isInstanceOf(IllegalArgumentException.class);
    }

    private BuiltinMachine start(String name, boolean isIncoming, Faults faults) {
        MachineOptions options = MachineOptions.at(directory.resolve(name))
                .withMemory(MachineOptions.MEMORY_MIN)
                .with(new ProgramSettings(Workload.SWEEP, Fill.HALF, 64 << 20))
                .with(faults);
        return BuiltinMachine.start(isIncoming ? options.incoming() : options);
    }

    private void migrate(QmpClient qmp, String capability, String socket) throws IOException {
        qmp.execute("migrate-set-capabilities", BuiltinMachineTest.on("events"));
        qmp.execute("migrate-set-capabilities", BuiltinMachineTest.on(capability));
        qmp.execute("migrate-set-parameters", "{\"max-bandwidth\": 0, \"downtime-limit\": 100}");
        mayDieOf(qmp, "migrate", "{\"uri\": \"unix:" + directory.resolve(socket) + "\"}");
    }

    /// A machine that dies of a command at once may do so before it answers, or in the middle of its answer.
    private static void mayDieOf(QmpClient qmp, String command, String arguments) {
        try {
            qmp.execute(command, arguments);
        } catch (IOException e) {
            assertThat(e.getMessage()).containsAnyOf("no answer", "\"closed\":true");
        }
    }

    private static void awaitHit(Faults faults) throws Exception {
        for (int i = 0; i < 12_000 && !faults.notHit().isEmpty(); i++) {
            Thread.sleep(5);
        }
        assertThat(faults.notHit()).isEmpty();
    }

    private static void awaitEndOfMigration(QmpClient qmp) throws Exception {
        for (int i = 0; i < 12_000; i++) {
            String status = qmp.execute("query-migrate").path("status").asString("");
            if (status.equals("failed") || status.equals("completed")) {
                return;
            }
            Thread.sleep(5);
        }
        throw new AssertionError("the migration does not end: " + qmp.execute("query-migrate"));
    }
}
