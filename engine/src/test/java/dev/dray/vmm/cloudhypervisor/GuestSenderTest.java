package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.memory.PageSize;
import dev.dray.page.WorkingSet;
import dev.dray.state.MachineState;
import dev.dray.vmm.DiskPledge;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Whereabouts;
import dev.dray.vmm.cloudhypervisor.ScriptedVmm.Instead;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/// Whole restores into a VMM that does what a test wants.
@Execution(ExecutionMode.CONCURRENT)
class GuestSenderTest {
    private static final long SEED = Long.getLong("dray.seed", System.nanoTime());
    private static final int SLOT_LOW = 3;
    private static final int SLOT_HIGH = 7;
    private static final long HIGH_FILE_OFFSET = 8192;

    @TempDir
    private Path folder;

    private final NotingWatch watch = new NotingWatch();
    private @Nullable ScriptedVmm opened;

    @AfterEach
    void close() {
        if (opened != null) {
            opened.close();
        }
    }

    private void unix() throws DrayException {
        System.out.println("sender: -Ddray.seed=" + SEED);
        opened = new ScriptedVmm(new Endpoint.Unix(folder.resolve("m")));
    }

    private void tcp() throws DrayException {
        System.out.println("sender: -Ddray.seed=" + SEED);
        opened = new ScriptedVmm(new Endpoint.Tcp("127.0.0.1", 0));
    }

    private ScriptedVmm vmm() {
        return Objects.requireNonNull(opened);
    }

    private RestoreReport send(SampleImage image, RestoreOrder order) throws GuestException {
        return CloudHypervisorSender.send(vmm().endpoint(), 3, order, image, watch);
    }

    private static RestoreOrder eager(boolean paused) {
        return new RestoreOrder(
                paused, new TreeMap<>(), new DiskPledge.Unchecked(), Instant.EPOCH, List.of(), Optional.empty(), true);
    }

    private static RestoreOrder lazy() {
        return FaultServerTest.order(WorkingSet.empty());
    }

    @Test
    void memoryIsHandedOverBeforeTheConfigurationAndCompleteWhenStateComes() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        unix();
        var seen = new CompletableFuture<Boolean>();
        vmm().atState = () -> {
            try {
                checkFiles(image);
                seen.complete(true);
            } catch (Exception | AssertionError e) {
                seen.completeExceptionally(e);
            }
        };
        RestoreReport report = send(image, eager(false));
        assertThat(seen.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(vmm().said)
                .containsExactly(
                        Command.START,
                        Command.MEMORY_FD,
                        Command.MEMORY_FD,
                        Command.CONFIG,
                        Command.STATE,
                        Command.COMPLETE);
        assertThat(vmm().documents.get(0)).isEqualTo(image.config());
        assertThat(report.guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(report.resumeMs()).isPositive().isEqualTo(report.residentMs());
    }

    private void checkFiles(SampleImage image) throws Exception {
        for (long page = 0; page < PageSize.pages(SampleImage.LOW_BYTES); page++) {
            assertThat(vmm().read(SLOT_LOW, PageSize.offset(page))).isEqualTo(image.page(0, page));
        }
        for (long page = 0; page < PageSize.pages(SampleImage.HIGH_BYTES); page++) {
            assertThat(vmm().read(SLOT_HIGH, HIGH_FILE_OFFSET + PageSize.offset(page)))
                    .isEqualTo(image.page(1, page));
        }
    }

    @Test
    void aGuestThatIsToStandStillIsCompletedPaused() throws Exception {
        unix();
        assertThat(send(SampleImage.shared(SEED), eager(true)).guest()).isEqualTo(Whereabouts.PAUSED);
        assertThat(vmm().said).endsWith(Command.COMPLETE_PAUSED);
    }

    @Test
    void privateMemoryIsPushedWholeAndAcknowledgedBeforeState() throws Exception {
        unix();
        pushed(SampleImage.privately(SEED));
    }

    @Test
    void overTcpMemoryIsPushedToo() throws Exception {
        tcp();
        pushed(SampleImage.shared(SEED));
    }

    private void pushed(SampleImage image) throws Exception {
        send(image, eager(false));
        assertThat(vmm().wrong).isEmpty();
        assertThat(vmm().said).containsExactly(Command.START, Command.CONFIG, Command.STATE, Command.COMPLETE);
        checkPushed(image, new byte[PageSize.BYTES]);
        assertThat(vmm().pushed.keySet())
                .as("zeros are not sent")
                .noneMatch(gpa -> gpa % (3 * PageSize.BYTES) == 0 && gpa < SampleImage.LOW_BYTES);
    }

    private void checkPushed(SampleImage image, byte[] instead) {
        for (int region = 0; region < 2; region++) {
            long gpa = region == 0 ? 0 : SampleImage.HIGH_GPA;
            long bytes = region == 0 ? SampleImage.LOW_BYTES : SampleImage.HIGH_BYTES;
            for (long page = 0; page < PageSize.pages(bytes); page++) {
                byte[] arrived = vmm().pushed.getOrDefault(gpa + PageSize.offset(page), instead);
                assertThat(arrived).isEqualTo(image.page(region, page));
            }
        }
    }

    /// Its file holds what some guest before left there.
    @Test
    void zerosArePushedTooWhereTheVmmMapsAFileOfTheUsers() throws Exception {
        SampleImage image = SampleImage.inFile(SEED);
        unix();
        send(image, eager(false));
        assertThat(vmm().wrong).isEmpty();
        checkPushed(image, new byte[0]);
    }

    @Test
    void aLazyGuestWhoseVmmWouldFindMemoryInAFileIsRefusedBeforeAnythingIsSaid() throws Exception {
        unix();
        GuestException failed = failure(SampleImage.inFile(SEED), lazy());
        assertThat(failed.failure()).isInstanceOf(RefusedException.class).hasMessageContaining("lies in files");
        assertThat(failed.failure().whatToDo()).contains("without --lazy");
        assertThat(vmm().said).isEmpty();
    }

    /// The VMM answers Error to the configuration of a lazy guest that says prefault.
    @Test
    void aLazyGuestIsSentWithoutPrefaultAndTheUserIsTold() throws Exception {
        SampleImage image = SampleImage.prefaulting(SEED);
        unix();
        vmm().script.put(Command.CONFIG, Instead.ERROR);
        failure(image, lazy());
        String recorded = new String(image.config(), StandardCharsets.UTF_8);
        assertThat(recorded).contains("\"prefault\":true");
        assertThat(vmm().documents.getFirst())
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"memory_mode\":\"Postcopy\","
                        + recorded.replace("\"prefault\":true", "\"prefault\":false")
                                .substring(1));
        assertThat(watch.warnings).anySatisfy(text -> assertThat(text).contains("prefault=off"));
    }

    /// The VMM would spin for ever, and its API with it.
    @Test
    void noBodyIsCutShortWhenASnapshotTurnsOutToBeDamaged() throws Exception {
        SampleImage image = SampleImage.privately(SEED);
        image.broken.add(1L << 32 | 100);
        unix();
        GuestException failed = failure(image, eager(false));
        assertThat(failed.failure()).isInstanceOf(CorruptException.class);
        assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
        assertThat(vmm().wrong).isEmpty();
        assertThat(vmm().said).containsExactly(Command.START, Command.CONFIG, Command.ABANDON);
    }

    @Test
    void aDamagedSnapshotEndsAnEagerRestoreBeforeTheGuestIsThere() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(200L);
        unix();
        GuestException failed = failure(image, eager(false));
        assertThat(failed.failure()).isInstanceOf(CorruptException.class);
        assertThat(vmm().said).contains(Command.ABANDON).doesNotContain(Command.STATE);
    }

    @Test
    void aRefusalNamesWhatWasRefused() throws Exception {
        for (var each : List.of(
                List.of(Command.START, "greeting"),
                List.of(Command.MEMORY_FD, "memory"),
                List.of(Command.CONFIG, "configuration"),
                List.of(Command.STATE, "state"))) {
            try (var one =
                    new ScriptedVmm(new Endpoint.Unix(folder.resolve(each.get(1).toString())))) {
                one.script.put((Command) each.get(0), Instead.ERROR);
                GuestException failed = catchThrowableOfType(
                        GuestException.class,
                        () -> CloudHypervisorSender.send(
                                one.endpoint(), 3, eager(false), SampleImage.shared(SEED), watch));
                assertThat(failed.failure())
                        .isInstanceOf(PeerException.class)
                        .hasMessageContaining("refused the guest's " + each.get(1));
                assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
            }
        }
    }

    @Test
    void aVmmThatGoesAwayAtStateLeavesAGuestThatNobodyKnowsOf() throws Exception {
        unix();
        vmm().script.put(Command.STATE, Instead.CLOSE);
        GuestException failed = failure(SampleImage.shared(SEED), eager(false));
        assertThat(failed.failure()).isInstanceOf(PeerException.class);
        assertThat(failed.guest()).isEqualTo(Whereabouts.UNKNOWN);
    }

    @Test
    void aCancelledRestoreAbandonsTheMigrationSoThatTheVmmForgetsTheGuest() throws Exception {
        unix();
        watch.cancelled = false;
        vmm().atState = () -> watch.cancelled = true;
        GuestException failed = failure(SampleImage.shared(SEED), eager(false));
        assertThat(failed.failure()).isInstanceOf(InterruptedOperation.class);
        assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
        assertThat(vmm().said).endsWith(Command.ABANDON).doesNotContain(Command.COMPLETE);
    }

    @Test
    void aVmmThatTakesNoMoreMemoryIsNotWaitedForForEver() throws Exception {
        unix();
        vmm().script.put(Command.MEMORY, Instead.SILENCE);
        vmm().atMemory = () -> watch.cancelled = true;
        GuestException failed = failure(SampleImage.privately(SEED), eager(false));
        assertThat(failed.failure()).isInstanceOf(InterruptedOperation.class);
        assertThat(watch.warnings).anySatisfy(text -> assertThat(text).contains("took no memory"));
    }

    @Test
    void aPieceOfMemoryThatIsRefusedEndsTheRestore() throws Exception {
        unix();
        vmm().script.put(Command.MEMORY, Instead.ERROR);
        GuestException failed = failure(SampleImage.privately(SEED), eager(false));
        assertThat(failed.failure())
                .isInstanceOf(PeerException.class)
                .hasMessageContaining("piece of the guest's memory");
        assertThat(vmm().said).doesNotContain(Command.STATE);
    }

    @Test
    void aLazyGuestRunsBeforeItsMemoryIsThereAndTheRestoreEndsWhenItIs() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        unix();
        var drained = new CompletableFuture<Boolean>();
        vmm().atState = () -> {
            try {
                drain(image, drained);
            } catch (InterruptedException e) {
                drained.completeExceptionally(e);
            }
        };
        RestoreReport report = send(image, lazy());
        assertThat(drained.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(watch.guestRuns).isDone();
        assertThat(vmm().said).endsWith(Command.STATE, Command.COMPLETE);
        assertThat(new String(vmm().documents.get(0), StandardCharsets.UTF_8))
                .startsWith("{\"memory_mode\":\"Postcopy\",")
                .contains("18446744073709551615");
        assertThat(report.lazy())
                .hasValueSatisfying(lazy -> assertThat(lazy.requests()).isEqualTo(384));
        assertThat(report.residentMs()).isGreaterThanOrEqualTo(report.resumeMs());
        checkFiles(image);
    }

    /// As the VMM does it: the connection is there when State is handled, and the sweep goes on behind the guest.
    private void drain(SampleImage image, CompletableFuture<Boolean> drained) throws InterruptedException {
        ScriptedVmm.Faults faults = vmm().faults();
        Thread.ofPlatform().start(() -> {
            try {
                watch.guestRuns.get(60, TimeUnit.SECONDS);
                for (long at = 0; at < SampleImage.LOW_BYTES + SampleImage.HIGH_BYTES; at += PageSize.BYTES) {
                    boolean low = at < SampleImage.LOW_BYTES;
                    long gpa = low ? at : SampleImage.HIGH_GPA + at - SampleImage.LOW_BYTES;
                    assertThat(faults.ask(gpa)).isEqualTo(new ResponseHeader(ResponseHeader.OK, 0));
                    long offset = low ? at : at - SampleImage.LOW_BYTES + HIGH_FILE_OFFSET;
                    assertThat(vmm().read(low ? SLOT_LOW : SLOT_HIGH, offset))
                            .isEqualTo(image.page(low ? 0 : 1, PageSize.index(low ? at : at - SampleImage.LOW_BYTES)));
                }
                faults.connection.shutdown();
                drained.complete(true);
            } catch (Exception | AssertionError e) {
                drained.completeExceptionally(e);
                faults.connection.shutdown();
            }
        });
    }

    /// The VMM does not know yet which of its pages are plugged, and never asks for them.
    @Test
    void memoryOfVirtioMemIsInPlaceBeforeALazyGuestsState() throws Exception {
        SampleImage image = SampleImage.withVirtioMem(SEED);
        unix();
        var seen = new CompletableFuture<byte[]>();
        vmm().atState = () -> {
            try {
                seen.complete(vmm().read(SLOT_HIGH, HIGH_FILE_OFFSET + PageSize.offset(1)));
                ScriptedVmm.Faults faults = vmm().faults();
                for (long gpa = 0; gpa < SampleImage.LOW_BYTES; gpa += PageSize.BYTES) {
                    faults.ask(gpa);
                }
                faults.connection.shutdown();
            } catch (Exception e) {
                seen.completeExceptionally(e);
            }
        };
        assertThat(send(image, lazy()).guest()).isEqualTo(Whereabouts.RUNNING);
        assertThat(seen.get(60, TimeUnit.SECONDS)).isEqualTo(image.page(1, 1));
    }

    @Test
    void aGuestWhoseDrainFailsIsNotCalledGoneWhileTheVmmLives() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(5L);
        unix();
        vmm().atState = () -> {
            try {
                ScriptedVmm.Faults faults = vmm().faults();
                Thread.ofPlatform().start(() -> {
                    watch.guestRuns.join();
                    faults.connection.shutdown();
                });
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        GuestException failed = failure(image, lazy());
        assertThat(failed.failure()).isInstanceOf(PeerException.class).hasMessageContaining("before it had all");
        assertThat(failed.guest()).isEqualTo(Whereabouts.UNKNOWN);
    }

    @Test
    void aVmmThatRefusesALazyGuestsStateHasForgottenIt() throws Exception {
        unix();
        vmm().script.put(Command.STATE, Instead.ERROR);
        vmm().atState = () -> {
            try {
                vmm().faults().connection.shutdown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        GuestException failed = failure(SampleImage.shared(SEED), lazy());
        assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
    }

    @Test
    void aSnapshotOfAnotherDialectIsRefusedBeforeAnythingIsSaid() throws Exception {
        unix();
        var image = SampleImage.shared(SEED);
        var other = new TreeMap<>(image.state().parts());
        other.remove("config");
        assertThatThrownBy(() -> SendPlan.of(
                        eager(false), image.withState(new MachineState("qemu", other)), true, Versions.of("")))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("guest of qemu");
        assertThat(vmm().said).isEmpty();
    }

    /// How a restore ended whose thread was interrupted.
    ///
    /// @param kept whether whoever restored can see the interrupt
    private record Interrupted(@Nullable GuestException failed, boolean kept) {}

    /// @param interrupts is given the thread that restores, before it does
    private Interrupted restoreInterrupted(SampleImage image, RestoreOrder order, Consumer<Thread> interrupts)
            throws Exception {
        var ended = new CompletableFuture<Interrupted>();
        Thread sender = Thread.ofPlatform().daemon().unstarted(() -> {
            GuestException failed = failure(image, order);
            ended.complete(new Interrupted(failed, Thread.interrupted()));
        });
        interrupts.accept(sender);
        sender.start();
        return ended.get(60, TimeUnit.SECONDS);
    }

    private static void assertStopped(Interrupted end) {
        GuestException failed = Objects.requireNonNull(end.failed(), "it is to fail");
        assertThat(failed.failure()).isInstanceOf(InterruptedOperation.class);
        assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
        assertThat(end.kept()).isTrue();
    }

    /// Ctrl-C is both: the watch says so, and the thread is interrupted.
    @Test
    void anInterruptedRestoreStillReadsTheVmmsAnswersAndAbandonsTheMigration() throws Exception {
        unix();
        Interrupted end = restoreInterrupted(
                SampleImage.shared(SEED),
                eager(false),
                sender -> vmm().atState = () -> {
                    watch.cancelled = true;
                    sender.interrupt();
                });
        assertStopped(end);
        assertThat(vmm().said).endsWith(Command.STATE, Command.ABANDON);
    }

    /// The VMM would spin for ever. Nobody but the interrupt says here that the restore is to stop.
    @Test
    void anInterruptCutsNoBodyShort() throws Exception {
        unix();
        Interrupted end = restoreInterrupted(
                SampleImage.privately(SEED),
                eager(false),
                sender -> vmm().inMemory = () -> {
                    sender.interrupt();
                    LockSupport.parkNanos(300_000_000); // so that it is in the body that the sender gets to know
                });
        assertStopped(end);
        assertThat(vmm().wrong).isEmpty();
        assertThat(vmm().said).containsExactly(Command.START, Command.CONFIG, Command.ABANDON);
    }

    @Test
    void aLazyGuestThatRunsIsServedOnWhenTheRestoreIsInterrupted() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        unix();
        var drained = new CompletableFuture<Boolean>();
        Interrupted end = restoreInterrupted(image, lazy(), sender -> {
            Thread.ofPlatform().daemon().start(() -> {
                watch.guestRuns.join();
                watch.cancelled = true;
                sender.interrupt();
            });
            vmm().atState = () -> {
                try {
                    drain(image, drained);
                } catch (InterruptedException e) {
                    drained.completeExceptionally(e);
                }
            };
        });
        assertThat(end.failed()).isNull();
        assertThat(end.kept()).isTrue();
        assertThat(drained.get(60, TimeUnit.SECONDS)).isTrue();
    }

    private GuestException failure(SampleImage image, RestoreOrder order) {
        return catchThrowableOfType(GuestException.class, () -> send(image, order));
    }
}
