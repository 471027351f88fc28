package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.Fallocate;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.WorkingSet;
import dev.dray.vmm.DiskPledge;
import dev.dray.vmm.LazyReport;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The connection for page faults, with a VMM that asks as a test wants it. Slot 0 of the snapshot is the VMM's slot 3,
/// slot 1 its slot 7, which begins 8192 bytes into its file.
@SuppressWarnings("NullAway.Init") // [#serve] sets what every test uses
@Timeout(120)
class FaultServerTest {
    private static final long SEED = Long.getLong("dray.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private final NotingWatch watch = new NotingWatch();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

    private SendPlan plan;
    private List<SlotFile> files = List.of();
    private LazyMemory memory;
    private ScriptedVmm.Faults faults;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private void serve(SampleImage image, boolean unix, WorkingSet prefetch) throws Exception {
        System.out.println("fault server: -Ddray.seed=" + SEED);
        plan = SendPlan.of(order(prefetch), image, unix, Versions.of("54.0.0"));
        if (plan.shared()) {
            files = SlotFile.create(plan.slots(), plan.pageBytes());
            opened.add(() -> files.forEach(SlotFile::close));
        }
        Endpoint at = unix ? new Endpoint.Unix(folder.resolve("m")) : new Endpoint.Tcp("127.0.0.1", 0);
        Listener listener = Listener.listen(at, () -> false);
        opened.add(listener);
        memory = new LazyMemory(plan, image, files, watch);
        opened.add(memory);
        memory.begin();
        memory.open(new Connector(listener.endpoint(), () -> false), ended::complete);
        listener.await(60_000);
        Connection accepted = listener.accept().orElseThrow();
        opened.add(accepted);
        var role = NativeMemory.map(2);
        accepted.readFully(role.address(), 2);
        faults = new ScriptedVmm.Faults(accepted);
        memory.guestRuns();
    }

    static RestoreOrder order(WorkingSet prefetch) {
        return new RestoreOrder(
                false,
                new TreeMap<>(),
                new DiskPledge.Unchecked(),
                Instant.EPOCH,
                List.of(),
                Optional.of(prefetch),
                true);
    }

    private static final long HALF_A_MINUTE = 31_000_000_000L;

    /// It gave up its sweep, and tells nobody.
    @Test
    void ofAVmmThatAsksForNothingAnyMoreTheUserIsToldOnce() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        faults.ask(gpa(0, 0));
        assertThat(memory.silence(System.nanoTime())).isEmpty();
        Optional<String> told = Optional.empty();
        while (told.isEmpty()) { // the server notes its answer after it was read here
            told = memory.silence(System.nanoTime() + HALF_A_MINUTE);
        }
        assertThat(told.get()).contains("still needs Dray");
        assertThat(memory.silence(System.nanoTime() + 3 * HALF_A_MINUTE)).isEmpty();
    }

    @Test
    void aVmmThatWaitsForItsPageOrHasAskedForAllIsNotCalledSilent() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(5L);
        serve(image, true, WorkingSet.empty());
        faults.request(gpa(0, 5), PageSize.BYTES);
        watch.await(text -> text.contains("guest waits"));
        assertThat(memory.silence(System.nanoTime() + HALF_A_MINUTE)).isEmpty();
        image.broken.clear();
        faults.answer();
        for (long[] each : everyPage()) {
            faults.ask(gpa((int) each[0], each[1]));
        }
        assertThat(memory.silence(System.nanoTime() + HALF_A_MINUTE)).isEmpty();
    }

    private byte[] inFile(int region, long page) throws Exception {
        SlotFile file = files.get(region);
        var at = NativeMemory.map(PageSize.BYTES);
        long offset = file.slot().fileOffset() + PageSize.offset(page);
        assertThat(FileIo.pread(file.fd(), at.address(), PageSize.BYTES, offset))
                .isEqualTo(PageSize.BYTES);
        return at.toArray(ValueLayout.JAVA_BYTE);
    }

    private long gpa(int region, long page) {
        return plan.slots().get(region).gpa() + PageSize.offset(page);
    }

    private long pages(int region) {
        return PageSize.pages(plan.slots().get(region).bytes());
    }

    private List<long[]> everyPage() {
        var all = new ArrayList<long[]>();
        for (int region = 0; region < plan.slots().size(); region++) {
            for (long page = 0; page < pages(region); page++) {
                all.add(new long[] {region, page});
            }
        }
        return all;
    }

    @Test
    void everyPageIsRightWhateverTheOrderItIsAskedForIn() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        serve(image, true, WorkingSet.empty());
        List<long[]> all = everyPage();
        Collections.shuffle(all, new Random(SEED));
        for (long[] each : all) {
            assertThat(faults.ask(gpa((int) each[0], each[1]))).isEqualTo(new ResponseHeader(ResponseHeader.OK, 0));
            assertThat(inFile((int) each[0], each[1])).isEqualTo(image.page((int) each[0], each[1]));
        }
        assertThat(endOfDrain()).isTrue();
    }

    @Test
    void everyInlinePageIsRightWhateverTheOrderItIsAskedForIn() throws Exception {
        SampleImage image = SampleImage.privately(SEED);
        serve(image, true, WorkingSet.empty());
        assertThat(plan.shared()).isFalse();
        List<long[]> all = everyPage();
        Collections.shuffle(all, new Random(SEED));
        for (long[] each : all) {
            assertThat(faults.fetch(gpa((int) each[0], each[1]))).isEqualTo(image.page((int) each[0], each[1]));
        }
        assertThat(endOfDrain()).isTrue();
    }

    /// The real VMM's guest was corrupted by that.
    @Test
    void aPageThatIsPresentIsNeverRewritten() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        List<long[]> all = everyPage();
        Collections.shuffle(all, new Random(SEED));
        byte[] own = new byte[PageSize.BYTES];
        for (long[] each : all) {
            int region = (int) each[0];
            faults.ask(gpa(region, each[1]));
            Arrays.fill(own, (byte) (1 + each[1] % 100));
            write(region, each[1], own); // the guest goes on
        }
        for (long[] each : all) {
            Arrays.fill(own, (byte) (1 + each[1] % 100));
            assertThat(inFile((int) each[0], each[1])).isEqualTo(own);
        }
    }

    @Test
    void aRepeatedRequestDoesNotUndoWhatTheGuestWrote() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        faults.ask(gpa(0, 1));
        byte[] own = new byte[PageSize.BYTES];
        Arrays.fill(own, (byte) 9);
        write(0, 1, own);
        assertThat(faults.ask(gpa(0, 1)).status()).isEqualTo(ResponseHeader.OK);
        assertThat(inFile(0, 1)).isEqualTo(own);
    }

    /// Ballooned away and touched again: the VMM's handler fails if the answer comes before the page.
    @Test
    void aRepeatedRequestForAPageThatTheGuestGaveBackMakesAPageOfZeros() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        for (long[] each : everyPage()) {
            faults.ask(gpa((int) each[0], each[1]));
        }
        SlotFile file = files.get(0);
        Fallocate.punchHole(file.fd(), PageSize.offset(1), PageSize.BYTES);
        long allocated = allocated(file.fd());
        assertThat(faults.ask(gpa(0, 1)).status()).isEqualTo(ResponseHeader.OK);
        assertThat(allocated(file.fd())).isEqualTo(allocated + PageSize.BYTES);
        assertThat(inFile(0, 1)).containsOnly(0);
    }

    /// The same, before the VMM has asked for the page once: it was in place, and is a hole now.
    @Test
    void aPageThatTheGuestGaveBackBeforeItWasAskedForIsThereWhenTheAnswerComes() throws Exception {
        serve(SampleImage.withBalloon(SEED), true, WorkingSet.empty());
        while (memory.doneBytes() < plan.bytes()) {
            Thread.sleep(5);
        }
        SlotFile file = files.get(0);
        Fallocate.punchHole(file.fd(), PageSize.offset(1), PageSize.BYTES);
        long allocated = allocated(file.fd());
        assertThat(faults.ask(gpa(0, 1)).status()).isEqualTo(ResponseHeader.OK);
        assertThat(allocated(file.fd())).isEqualTo(allocated + PageSize.BYTES);
        assertThat(inFile(0, 1)).containsOnly(0);
    }

    @Test
    void noAnswerIsGivenForAHole() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        serve(image, true, WorkingSet.empty());
        for (long[] each : everyPage()) {
            faults.ask(gpa((int) each[0], each[1]));
        }
        for (SlotFile file : files) {
            assertThat(allocated(file.fd())).isEqualTo(file.slot().bytes());
        }
        assertThat(image.kind(3)).isEqualTo(PageKind.ZERO);
        assertThat(image.kind(7)).isEqualTo(PageKind.ABSENT);
    }

    private static long allocated(Fd fd) throws IOException {
        var stat = new ProcessBuilder(
                        "stat",
                        "-L",
                        "-c",
                        "%b",
                        "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd.number())
                .start();
        String blocks = new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return 512 * Long.parseLong(blocks.strip());
    }

    @Test
    void requestsMayComeInTwoParts() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        serve(image, true, WorkingSet.empty());
        for (long page = 0; page < 100; page++) {
            faults.requestInTwoParts(gpa(0, page));
            assertThat(faults.answer().status()).isEqualTo(ResponseHeader.OK);
            assertThat(inFile(0, page)).isEqualTo(image.page(0, page));
        }
    }

    @Test
    void aRequestForSeveralPagesIsAnsweredWhenAllAreThere() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        serve(image, true, WorkingSet.empty());
        faults.request(gpa(1, 2), 5 * PageSize.BYTES);
        assertThat(faults.answer()).isEqualTo(new ResponseHeader(ResponseHeader.OK, 0));
        for (long page = 2; page < 7; page++) {
            assertThat(inFile(1, page)).isEqualTo(image.page(1, page));
        }
    }

    /// An answer has room for one: anything else would be taken for the head of the next.
    @Test
    void aRequestForSeveralPagesIsNotAnsweredWherePagesGoWithTheAnswer() throws Exception {
        serve(SampleImage.privately(SEED), true, WorkingSet.empty());
        faults.request(gpa(1, 2), 2 * PageSize.BYTES);
        assertThat(ended.get(60, TimeUnit.SECONDS)).isFalse();
        assertThat(watch.warnings).anySatisfy(text -> assertThat(text).contains("asked for 8192 bytes"));
        memory.stop();
        assertThat(catchAnswer()).isInstanceOf(PeerException.class);
    }

    @Test
    void theEndOfTheConnectionIsNotTheEndOfTheRestoreWhilePagesAreMissing() throws Exception {
        SampleImage image = SampleImage.privately(SEED);
        serve(image, true, WorkingSet.empty());
        faults.fetch(gpa(0, 0));
        assertThat(endOfDrain()).isFalse();
    }

    /// Later VMMs may not ask for what they see is there. What is shared and in place is theirs as long as they live.
    @Test
    void aVmmThatLivesAndAsksNoMoreHasAllThatIsInPlace() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        faults.ask(gpa(0, 0));
        while (memory.doneBytes() < plan.bytes()) {
            Thread.sleep(5);
        }
        assertThat(endOfDrain()).isTrue();
    }

    @Test
    void aVmmThatAsksNoMoreBeforeAllIsInPlaceIsLost() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(5L);
        serve(image, true, WorkingSet.empty());
        faults.ask(gpa(0, 0));
        assertThat(endOfDrain()).isFalse();
    }

    @Test
    void aRequestOutsideOfTheGuestIsNotAnsweredWithAnError() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        faults.request(1L << 40, PageSize.BYTES);
        assertThat(ended.get(60, TimeUnit.SECONDS)).isFalse();
        assertThat(watch.warnings).anySatisfy(text -> assertThat(text).contains("0x10000000000"));
        memory.stop();
        assertThat(catchAnswer()).as("an Error kills the guest").isInstanceOf(PeerException.class);
    }

    private Throwable catchAnswer() {
        try {
            return new AssertionError("answered " + faults.answer());
        } catch (DrayException e) {
            return e;
        }
    }

    @Test
    void aPageThatCannotBeReadMakesTheGuestWaitUntilItCan() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(5L);
        serve(image, true, WorkingSet.empty());
        faults.request(gpa(0, 5), PageSize.BYTES);
        watch.await(text -> text.contains("cannot be read") && text.contains("tries again"));
        image.broken.clear();
        assertThat(faults.answer()).isEqualTo(new ResponseHeader(ResponseHeader.OK, 0));
        assertThat(inFile(0, 5)).isEqualTo(image.page(0, 5));
        watch.await(text -> text.contains("can be read again"));
    }

    @Test
    void aReaderThatRunsOutOfMemoryMakesTheGuestWaitUntilThereIsSome() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.exhausting.add(5L);
        serve(image, true, WorkingSet.empty());
        faults.request(gpa(0, 5), PageSize.BYTES);
        watch.await(text -> text.contains("cannot be read") && text.contains("OutOfMemoryError"));
        image.exhausting.clear();
        assertThat(faults.answer()).isEqualTo(new ResponseHeader(ResponseHeader.OK, 0));
        assertThat(inFile(0, 5)).isEqualTo(image.page(0, 5));
    }

    @Test
    void aPageThatCannotBeReadAheadDoesNotHoldUpOthers() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(100L);
        serve(image, true, WorkingSet.empty());
        for (long[] each : everyPage()) {
            if (each[0] != 0 || each[1] != 100) {
                faults.ask(gpa((int) each[0], each[1]));
                assertThat(inFile((int) each[0], each[1])).isEqualTo(image.page((int) each[0], each[1]));
            }
        }
        faults.request(gpa(0, 100), PageSize.BYTES);
        watch.await(text -> text.contains("guest waits"));
        image.broken.clear();
        assertThat(faults.answer().status()).isEqualTo(ResponseHeader.OK);
        assertThat(inFile(0, 100)).isEqualTo(image.page(0, 100));
        assertThat(endOfDrain()).isTrue();
    }

    @Test
    void aWaitingGuestIsLetGoOfWhenTheRestoreIsStopped() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(5L);
        serve(image, true, WorkingSet.empty());
        faults.request(gpa(0, 5), PageSize.BYTES);
        watch.await(text -> text.contains("cannot be read"));
        memory.stop();
        assertThat(ended.get(60, TimeUnit.SECONDS)).isFalse();
    }

    @Test
    void anInlinePageThatIsAskedForAgainComesAgain() throws Exception {
        SampleImage image = SampleImage.privately(SEED);
        serve(image, true, WorkingSet.empty());
        assertThat(faults.fetch(gpa(0, 1))).isEqualTo(image.page(0, 1));
        assertThat(faults.fetch(gpa(0, 1))).isEqualTo(image.page(0, 1));
        assertThat(faults.fetch(gpa(0, 3))).containsOnly(0);
    }

    @Test
    void theWorkingSetIsWhatWasAskedForBesidesTheSweep() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        long[][] asked = {{0, 0}, {0, 1}, {0, 90}, {0, 2}, {1, 40}, {0, 3}, {0, 90}, {1, 0}};
        for (long[] each : asked) {
            faults.ask(gpa((int) each[0], each[1]));
        }
        LazyReport report = finish();
        assertThat(report.requests()).isEqualTo(asked.length);
        WorkingSet set = report.asked();
        assertThat(set.count()).isEqualTo(2);
        assertThat(new long[] {set.region(0), set.page(0), set.region(1), set.page(1)})
                .containsExactly(0, 90, 1, 40);
        assertThat(set.afterMicros(0)).isNotNegative();
        long counted =
                report.histogram().stream().mapToLong(LazyReport.Bucket::count).sum();
        assertThat(counted).isEqualTo(asked.length);
        assertThat(report.p50Us()).isPositive().isLessThanOrEqualTo(report.p99Us());
        assertThat(report.p99Us()).isLessThanOrEqualTo(report.maxUs());
    }

    @Test
    void aRequestThatFindsItsPageInPlaceAllocatesNothing() throws Exception {
        serve(SampleImage.shared(SEED), true, WorkingSet.empty());
        for (long[] each : everyPage()) {
            faults.ask(gpa((int) each[0], each[1]));
        }
        long server = faultsThread();
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = Long.MAX_VALUE;
        // What is not compiled yet does allocate, and on a busy machine compilers take their time.
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (bytes >= 100_000 / FaultEvent.SAMPLE * 200 && System.nanoTime() - end < 0) {
            long before = threads.getThreadAllocatedBytes(server);
            askMany(100_000);
            bytes = threads.getThreadAllocatedBytes(server) - before;
            System.out.println("allocated for 100,000 requests: " + bytes + " bytes");
        }
        assertThat(bytes).isLessThan(100_000 / FaultEvent.SAMPLE * 200);
    }

    /// Tests that run beside this one have such threads, too.
    private long faultsThread() throws ReflectiveOperationException {
        Field thread = LazyMemory.class.getDeclaredField("thread");
        thread.setAccessible(true);
        return ((Thread) thread.get(memory)).threadId();
    }

    private void askMany(int count) throws DrayException {
        for (int i = 0; i < count; i++) {
            faults.ask(gpa(0, 1 + i % 200));
        }
    }

    private LazyReport finish() {
        faults.connection.shutdown();
        memory.stop();
        return memory.report();
    }

    private boolean endOfDrain() throws Exception {
        faults.connection.shutdown();
        return ended.get(60, TimeUnit.SECONDS);
    }

    private void write(int region, long page, byte[] bytes) throws Exception {
        var at = NativeMemory.map(bytes.length);
        MemorySegment.copy(bytes, 0, at, ValueLayout.JAVA_BYTE, 0, bytes.length);
        SlotFile file = files.get(region);
        FileIo.pwriteAll(file.fd(), at.address(), bytes.length, file.slot().fileOffset() + PageSize.offset(page));
    }
}
