package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Lseek;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Statx;
import dev.dray.testbed.Gen;
import dev.dray.vmm.CaptureReport;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A guest is received from a source that follows the protocol, or does not.
@Timeout(120)
class ReceptionTest {
    private static final byte[] NOTHING = new byte[0];

    @TempDir
    Path directory = Path.of("/unset");

    private final List<String> log = new ArrayList<>();
    private final HeldGuest held = new HeldGuest(log);
    private final Told told = new Told();
    private @Nullable CompletableFuture<CaptureReport> report;
    private @Nullable ScriptedSource source;

    @BeforeEach
    void listen() throws Exception {
        start(new Endpoint.Unix(directory.resolve("s")));
    }

    private void start(Endpoint endpoint) throws Exception {
        Listener listener = Listener.listen(endpoint, told::cancelled);
        var running = new CompletableFuture<CaptureReport>();
        report = running;
        Thread.ofPlatform().start(() -> {
            try (listener) {
                running.complete(CloudHypervisorReceiver.receive(listener, held, told));
            } catch (GuestException e) {
                running.completeExceptionally(e.failure());
            } catch (RuntimeException | Error e) {
                running.completeExceptionally(e);
            }
        });
        source = new ScriptedSource(listener.endpoint());
    }

    @AfterEach
    void end() {
        told.cancelled = true;
        source().close();
        held.close();
    }

    private ScriptedSource source() {
        ScriptedSource open = source;
        if (open == null) {
            throw new AssertionError("no source");
        }
        return open;
    }

    /// Waits for the end of the reception.
    private CaptureReport received() throws Exception {
        CompletableFuture<CaptureReport> running = report;
        if (running == null) {
            throw new AssertionError("nothing runs");
        }
        return running.get(60, TimeUnit.SECONDS);
    }

    private DrayException failure() {
        try {
            throw new AssertionError("it was received: " + received());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DrayException expected) {
                return expected;
            }
            throw new AssertionError(e);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private void assertPage(long page, int value) {
        byte[] content = held.page(0, page);
        assertThat(content).as("page " + page).isNotNull().containsOnly((byte) value);
    }

    @Test
    void aGuestIsHandedOverWhileItRuns() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(7, 2);
        from.set(8, 0); // touched, and zeros
        from.set(2000, 3);
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.set(7, 9); // between the answer and the pause
        from.set(9, 4);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(7, 9);
        assertPage(8, 0);
        assertPage(9, 4);
        assertPage(2000, 3);
        assertThat(held.page(0, 1000)).as("a page that was never touched").isNull();
        assertThat(held.map().regions().getFirst().name()).isEqualTo("mem0@0x0");
        var parts = held.committed().state().parts();
        assertThat(parts.get("config")).isEqualTo(ScriptedSource.config());
        assertThat(parts.get("state")).isEqualTo(ScriptedSource.state());
        assertThat(held.committed().facts().path("was_running").asBoolean()).isTrue();
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("local");
    }

    @Test
    void whetherTheGuestRanIsKnownByTheLastCommand() throws Exception {
        localUntilComplete();
        source().ok(Command.COMPLETE_PAUSED, NOTHING);
        received();
        assertThat(held.committed().facts().path("was_running").asBoolean(true)).isFalse();
    }

    private void localUntilComplete() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
    }

    /// The guest gave it back between two passes: restored, it must not have its old contents.
    @Test
    void aPageThatHasBecomeAHoleIsZeros() throws Exception {
        ScriptedSource from = source();
        from.set(3, 5);
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.punch(3);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(3, 0);
    }

    /// A read through a mapping would make a page of zeros of each: a guest of 1 TiB would have all of it
    /// resident.
    @Test
    void holesOfTheGuestsMemoryStayHoles() throws Exception {
        ScriptedSource from = source();
        from.set(100, 1);
        localUntilComplete();
        from.ok(Command.COMPLETE, NOTHING);
        received();
        try (Fd own = OpenFile.reopen(from.memory(), 0)) {
            assertThat(Lseek.data(own, 0)).isEqualTo(100 * 4096);
            assertThat(Lseek.hole(own, 100 * 4096)).isEqualTo(101 * 4096);
        }
        assertThat(held.submitted).isEqualTo(1);
    }

    /// Every guest that changes its memory at random is received as it is when it stands still.
    @Test
    void whatIsStoredIsTheMemoryOfTheGuestThatStandsStill() throws Exception {
        Gen gen = Gen.create("ReceptionTest");
        ScriptedSource from = source();
        int[] now = new int[(int) ScriptedSource.PAGES];
        Arrays.fill(now, -1);
        change(gen, from, now, 600);
        from.start();
        from.handOver();
        from.ask(Command.CONFIG, ScriptedSource.config());
        change(gen, from, now, 300); // while it is copied
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        change(gen, from, now, 200);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        for (int page = 0; page < now.length; page++) {
            byte[] content = held.page(0, page);
            if (content != null) {
                assertThat(content).as(gen + ", page " + page).containsOnly((byte) Math.max(0, now[page]));
            } else {
                assertThat(now[page]).as(gen + ", page " + page).isLessThan(1);
            }
        }
    }

    private static void change(Gen gen, ScriptedSource from, int[] now, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            int page = gen.between(0, now.length - 1);
            if (gen.chance(0.15)) {
                from.punch(page);
                now[page] = -1;
            } else {
                now[page] = gen.between(0, 3);
                from.set(page, now[page]);
            }
        }
    }

    /// The VMM's own position in its file is not moved by the search for holes.
    @Test
    void theDescriptorIsOpenedAnew() throws Exception {
        ScriptedSource from = source();
        from.set(50, 1);
        localUntilComplete();
        String info =
                Files.readString(Path.of("/proc/self/fdinfo/" + from.memory().number()));
        assertThat(info.lines().filter(line -> line.startsWith("pos:")).findFirst())
                .hasValueSatisfying(line -> assertThat(line).endsWith("\t0"));
        from.ok(Command.COMPLETE, NOTHING);
        received();
    }

    @Test
    void aGuestStreamsOverOneConnection() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(1, 2);
        from.set(500, 3);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(from.main, List.of(new MemoryRange(0, 8192), new MemoryRange(500 * 4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.set(1, 7);
        from.push(from.main, List.of(new MemoryRange(4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(1, 7);
        assertPage(500, 3);
        assertThat(held.page(0, 2)).isNull();
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("stream");
    }

    /// The last table is new changes and what was left over: a range may be there twice, and the later bytes
    /// count.
    @Test
    void laterBytesOfOneTableWin() throws Exception {
        ScriptedSource from = source();
        from.set(4, 6);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(
                from.main,
                List.of(
                        new MemoryRange(4 * 4096, 4096),
                        new MemoryRange(0, 0),
                        new MemoryRange(3 * 4096, 3 * 4096),
                        new MemoryRange(4 * 4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(4, 6);
        assertPage(5, 0);
    }

    /// More connections than there are batches, in rounds as the real VMM has them: all of a round is answered
    /// before the next one begins.
    @Test
    void writesOfALaterRoundWinWhateverConnectionTheyComeOver() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        List<Connection> further = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            further.add(from.open(Role.PRECOPY_MEMORY));
        }
        for (int round = 1; round <= 5; round++) {
            for (long page = 0; page < 64; page++) {
                from.set(page, round);
            }
            for (int i = 0; i < 8; i++) {
                long first = ((i + round) % 8) * 8L;
                from.push(further.get(i), List.of(new MemoryRange(first * 4096, 8 * 4096)));
            }
            for (Connection each : further) {
                assertThat(from.answer(each)).isEqualTo(ResponseHeader.OK);
            }
        }
        further.forEach(Connection::close);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        for (long page = 0; page < 64; page++) {
            assertPage(page, 5);
        }
    }

    @Test
    void aGuestThatStandsStillIsAskedForItsMemory() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(2047, 9);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection fault = from.open(Role.FAULT);
        CompletableFuture<Integer> served = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            try {
                served.complete(from.serve(fault));
            } catch (Exception e) {
                served.completeExceptionally(e);
            }
        });
        from.ok(Command.STATE, ScriptedSource.state());
        assertThat(served).isNotDone();
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(2047, 9);
        assertPage(1000, 0);
        assertThat(served.get(60, TimeUnit.SECONDS)).isEqualTo(8); // 1 MiB each
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("pull");
        fault.close();
    }

    /// Two connections have no common order: a snapshot of zeros would be the price of passing this one over.
    @Test
    void aConnectionForMemoryThatIsAcceptedLateCounts() throws Exception {
        ScriptedSource from = source();
        from.set(3, 8);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
        Connection fault = from.open(Role.FAULT);
        from.ask(Command.COMPLETE, NOTHING);
        assertThat(from.serve(fault)).isEqualTo(8);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        received();
        assertPage(3, 8);
        fault.close();
    }

    @Test
    void aSnapshotOfNothingIsRefused() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
        from.ask(Command.COMPLETE, NOTHING);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("none of its guest's memory");
    }

    /// The source takes the end of this connection for success: before Complete is answered it must be the main
    /// connection that ends first, with an error.
    @Test
    void aPullThatCannotBeStoredIsRefusedBeforeItsConnectionEnds() throws Exception {
        ScriptedSource from = source();
        held.uncommittable = true;
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection fault = from.open(Role.FAULT);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ask(Command.COMPLETE, NOTHING);
        CompletableFuture<List<String>> order = new CompletableFuture<>();
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        Thread.ofPlatform().start(() -> {
            try {
                from.serve(fault);
                seen.add("fault connection ended");
            } catch (Exception e) {
                seen.add(e.toString());
            } finally {
                order.complete(seen);
            }
        });
        int status = from.answer(from.main);
        seen.add("answered " + status);
        assertThat(order.get(60, TimeUnit.SECONDS)).containsExactly("answered 2", "fault connection ended");
        assertThat(failure()).hasMessageContaining("went away");
        fault.close();
    }

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

    /// What the operation was told, and tells.
    private static final class Told implements OperationWatch {
        private volatile boolean cancelled;

        @Override
        public void phase(String name) {}

        @Override
        public void bytes(long done, long total) {}

        @Override
        public void warning(String text) {}

        @Override
        public void guestRuns() {}

        @Override
        public boolean cancelled() {
            return cancelled;
        }
    }
}
