package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Socket;
import dev.dray.linux.Statx;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A guest is received from a source that breaks off or breaks the protocol, and what must never be done
/// whatever it does.
@Timeout(120)
class ReceptionDangerTest extends ReceptionScene {
    /// Whoever answers first and stores later loses the guest if he is killed in between.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void completeIsAnsweredOnlyAfterTheSnapshotIsStored(boolean works) throws Exception {
        held.uncommittable = !works;
        localUntilComplete();
        source().ask(Command.COMPLETE, NOTHING);
        assertThat(source().answer(source().main)).isEqualTo(works ? ResponseHeader.OK : ResponseHeader.ERROR);
        assertThat(held.isCommitted()).isEqualTo(works);
        if (!works) {
            assertThat(failure()).hasMessageContaining("went away");
        }
    }

    /// There the VM was never stopped: the earlier, the better.
    @Test
    void aFullDiskIsToldBeforeTheGuestStandsStill() throws Exception {
        ScriptedSource from = source();
        held.full = true;
        from.set(1, 1);
        from.start();
        from.handOver();
        from.ask(Command.CONFIG, ScriptedSource.config());
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("full");
    }

    enum Step {
        CONNECTED,
        STARTED,
        HANDED_OVER,
        CONFIGURED,
        STATED
    }

    /// The sender lets its guest run on, and nothing of it is kept.
    @ParameterizedTest
    @EnumSource(Step.class)
    void aSenderThatEndsAtAnyStepLeavesNoSnapshot(Step step) throws Exception {
        reach(step);
        source().main.shutdown();
        assertThat(failure()).isInstanceOf(PeerException.class);
        assertThat(held.isCommitted()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Step.class)
    void anAbandonedMigrationIsAnsweredAndForgotten(Step step) throws Exception {
        reach(step);
        source().ok(Command.ABANDON, NOTHING);
        assertThat(failure()).isInstanceOf(PeerException.class);
        assertThat(held.isCommitted()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Step.class)
    void anInterruptAtAnyStepEndsTheConnection(Step step) throws Exception {
        reach(step);
        told.cancelled = true;
        assertThat(failure()).isInstanceOf(InterruptedOperation.class);
        assertThatThrownBy(() -> source().answer(source().main)).isInstanceOf(PeerException.class);
        assertThat(held.isCommitted()).isFalse();
    }

    private void reach(Step step) throws Exception {
        ScriptedSource from = source();
        if (step.compareTo(Step.STARTED) >= 0) {
            from.start();
        }
        if (step.compareTo(Step.HANDED_OVER) >= 0) {
            from.handOver();
        }
        if (step.compareTo(Step.CONFIGURED) >= 0) {
            from.ok(Command.CONFIG, ScriptedSource.config());
        }
        if (step.compareTo(Step.STATED) >= 0) {
            from.ok(Command.STATE, ScriptedSource.state());
        }
    }

    @Test
    void aSenderThatEndsInsideMemoryIsNotWaitedForForEver() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.send(from.main, RequestHeader.of(Command.MEMORY, 16), new byte[] {
            0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0
        });
        from.main.shutdown();
        assertThat(failure()).isInstanceOf(PeerException.class).hasMessageContaining("ended the connection");
    }

    @Test
    void aFurtherConnectionThatBreaksInsideMemoryFailsTheCapture() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection further = from.open(Role.PRECOPY_MEMORY);
        from.send(further, RequestHeader.of(Command.MEMORY, 16), new byte[8]);
        further.close();
        while (!endsOrRefuses(from)) {
            Thread.onSpinWait();
        }
        assertThat(failure()).isInstanceOf(PeerException.class);
        assertThat(held.isCommitted()).isFalse();
    }

    /// An empty Memory request is answered for as long as Dray has not seen that the other connection broke.
    private static boolean endsOrRefuses(ScriptedSource from) throws DrayException {
        from.ask(Command.MEMORY, NOTHING);
        return from.answer(from.main) == ResponseHeader.ERROR;
    }

    @Test
    void aConnectionWithoutARoleIsClosedAndTheRestGoesOn() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection wrong =
                new Connector(new Endpoint.Unix(directory.resolve("s")), () -> false).connect(Duration.ofSeconds(20));
        from.send(wrong, new RequestHeader(7, 0, 0), NOTHING);
        try (var arena = Arena.ofConfined()) {
            long address = arena.allocate(8).address();
            assertThatThrownBy(() -> wrong.readFully(address, 1)).isInstanceOf(PeerException.class);
        }
        wrong.close();
        from.push(from.main, List.of(new MemoryRange(0, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertThat(held.isCommitted()).isTrue();
    }

    /// Whoever can connect could otherwise end a capture by connecting often.
    @Test
    void connectionsThatAreOverDoNotCount() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        try (var arena = Arena.ofConfined()) {
            long address = arena.allocate(8).address();
            for (int i = 0; i <= WireLimits.CONNECTIONS_MAX; i++) {
                Connection wrong = new Connector(new Endpoint.Unix(directory.resolve("s")), () -> false)
                        .connect(Duration.ofSeconds(20));
                from.send(wrong, new RequestHeader(7, 0, 0), NOTHING);
                assertThatThrownBy(() -> wrong.readFully(address, 1)).isInstanceOf(PeerException.class);
                wrong.close();
            }
        }
        from.push(from.main, List.of(new MemoryRange(0, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
    }

    /// Ports are scanned: what connects first need not be the VMM.
    @Test
    void aStrangerWhoConnectsFirstDoesNotEndTheWait() throws Exception {
        source().close();
        start(new Endpoint.Tcp("127.0.0.1", 0));
        ScriptedSource noise = again();
        noise.send(noise.main, new RequestHeader(0x4547, 0x2054, 0x2f), NOTHING);
        ScriptedSource from = again();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(from.main, List.of(new MemoryRange(0, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        // It may be anywhere: this host's processor is not the guest's.
        assertThat(held.committed().facts().has("host")).isFalse();
    }

    /// A scanner may keep its connection, and the VMM waits behind it.
    @Test
    void aStrangerWhoSaysNothingDoesNotBlockThePort() throws Exception {
        source().close();
        start(new Endpoint.Tcp("127.0.0.1", 0), Duration.ofSeconds(4));
        try (var arena = Arena.ofConfined()) {
            source().main.write(arena.allocate(8).address(), 8); // half a request is as good as none
        }
        ScriptedSource from = beside();
        from.ask(Command.START, NOTHING); // before it is accepted: the limit holds for the VMM too
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(from.main, List.of(new MemoryRange(0, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertThat(told.warnings).anyMatch(each -> each.contains("no VMM"));
    }

    /// More silent connections than a migration has, and all of its own: it goes on, also while the guest stands still.
    @Test
    void connectionsThatSayNothingGiveWay() throws Exception {
        source().close();
        start(new Endpoint.Tcp("127.0.0.1", 0), Duration.ofMinutes(10));
        ScriptedSource from = source();
        from.start();
        List<Connection> silent = new ArrayList<>();
        try {
            for (int i = 0; i < WireLimits.CONNECTIONS_MAX + 20; i++) {
                silent.add(new Connector(listener().endpoint(), () -> false).connect(Duration.ofSeconds(20)));
            }
            from.ok(Command.CONFIG, ScriptedSource.config());
            from.set(5, 7);
            Connection further = from.open(Role.PRECOPY_MEMORY);
            from.push(further, List.of(new MemoryRange(5 * 4096, 4096)));
            assertThat(from.answer(further)).isEqualTo(ResponseHeader.OK);
            further.close();
            from.ok(Command.STATE, ScriptedSource.state());
            from.ok(Command.COMPLETE, NOTHING);
            received();
        } finally {
            silent.forEach(Connection::close);
        }
        assertPage(5, 7);
        assertThat(told.warnings).hasSize(1).first().asString().contains("more than the 128 connections");
    }

    /// Without anybody who accepts, the main connection may wait for one that never comes.
    @Test
    void whoCannotAcceptConnectionsAnyMoreEndsTheReception() throws Exception {
        source().close();
        start(new Endpoint.Tcp("127.0.0.1", 0));
        source().start();
        Field descriptor = Listener.class.getDeclaredField("fd");
        descriptor.setAccessible(true);
        Socket.shutdown((Fd) descriptor.get(listener()));
        assertThat(failure()).isInstanceOf(MachineException.class).hasMessageContaining("cannot accept");
    }

    /// The VMM breaks off because Dray has, and would be blamed.
    @Test
    void whatFailedOnAFurtherConnectionIsWhatIsTold() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection further = from.open(Role.PRECOPY_MEMORY);
        held.full = true;
        from.push(further, List.of(new MemoryRange(0, 4096)));
        assertThatThrownBy(() -> from.answer(further)).isInstanceOf(PeerException.class);
        from.main.shutdown();
        assertThat(failure()).isInstanceOf(MachineException.class).hasMessageContaining("full");
        further.close();
    }

    @Test
    void memoryThatTheGuestDoesNotHaveIsRefused() throws Exception {
        for (MemoryRange wrong : List.of(
                new MemoryRange(ScriptedSource.BYTES, 4096),
                new MemoryRange(ScriptedSource.BYTES - 4096, 8192),
                new MemoryRange(1, 4096),
                new MemoryRange(0, 100),
                new MemoryRange(-4096, 4096),
                new MemoryRange(0, Long.MIN_VALUE))) {
            ScriptedSource from = source();
            from.start();
            from.ok(Command.CONFIG, ScriptedSource.config());
            byte[] table = new byte[16];
            wrong.write(MemorySegment.ofArray(table), 0);
            from.ask(Command.MEMORY, table);
            assertThat(from.answer(from.main)).as("%s", wrong).isEqualTo(ResponseHeader.ERROR);
            assertThat(failure()).isInstanceOf(PeerException.class);
            from.close();
            Files.deleteIfExists(directory.resolve("s"));
            start(new Endpoint.Unix(directory.resolve("s")));
        }
    }

    @Test
    void lengthsBeyondEveryLimitAreRefusedBeforeAnythingIsAllocated() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.send(from.main, RequestHeader.of(Command.CONFIG, Long.MAX_VALUE), NOTHING);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("9223372036854775807");
    }

    @Test
    void memoryThatWasNotHandedOverIsRefusedWithTheConfig() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.send(from.main, RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES), NOTHING);
        from.main.sendDescriptor(99, from.memory());
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ask(Command.CONFIG, ScriptedSource.config());
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("slot 5");
    }

    /// The VMM maps such a file privately: its descriptor does not have what the guest has written.
    @Test
    void aFileThatTheVmmHasMappedPrivatelyIsRefusedWhileTheGuestRuns() throws Exception {
        ObjectNode config =
                JsonMapper.shared().readTree(ScriptedSource.config()).asObject();
        ObjectNode memory = config.path("vm_config").path("memory").asObject();
        memory.put("size", 0).put("shared", false);
        memory.putArray("zones").addObject().put("id", "mem0").put("file", "/m").put("hugepages", true);
        ScriptedSource from = source();
        from.start();
        from.handOver();
        from.ask(Command.CONFIG, JsonMapper.shared().writeValueAsBytes(config));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).isInstanceOf(RefusedException.class).hasMessageContaining("privately");
    }

    /// A mapping of it would kill Dray at the first touch behind its end.
    @Test
    void aFileThatIsShorterThanItsSlotIsRefused() throws Exception {
        ScriptedSource from = source();
        FileIo.ftruncate(from.memory(), ScriptedSource.BYTES - 4096);
        assertThat(Statx.of(from.memory()).bytes()).isEqualTo(ScriptedSource.BYTES - 4096);
        from.start();
        from.handOver();
        from.ask(Command.CONFIG, ScriptedSource.config());
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("too few");
    }

    @Test
    void aMessageOfASlotWithoutADescriptorIsRefused() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.send(from.main, RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES), new byte[4]);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("without its descriptor");
    }
}
