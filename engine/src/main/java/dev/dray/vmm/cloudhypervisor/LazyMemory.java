package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageServer;
import dev.dray.page.PageServer.Extent;
import dev.dray.page.WorkingSet;
import dev.dray.vmm.LazyReport;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.ProcessIdentity;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The memory of a guest that runs before all of it is in place: a connection for page faults, and what fetches pages
/// ahead of it.
///
/// Threads: `faults`, and those of [PageSupply].
final class LazyMemory implements AutoCloseable {
    /// One processor is left to the guest, and to the threads that answer.
    private static final int FILL_THREADS = Math.clamp(Runtime.getRuntime().availableProcessors() - 1, 1, 4);

    private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(20);

    /// How long a VMM that ends may take to be gone.
    private static final int ENDING_MS = 1000;

    private static final int TICK_MS = 10;

    /// Far longer than a VMM's sweep rests between two requests.
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private final SendPlan plan;
    private final OperationWatch watch;
    private final int[] unitPages;
    private final PageServer server;
    private final PageAnswers answers;
    private final PageSupply supply;
    private final PageFetcher own;
    private final RestoreImage image;
    private final FaultServer faults;
    private @Nullable Connection connection;
    private volatile Optional<String> process = Optional.empty();
    private @Nullable Thread thread;
    private boolean silenceTold;

    /// @param files of the slots, if the memory is shared
    LazyMemory(SendPlan plan, RestoreImage image, List<SlotFile> files, OperationWatch watch) {
        this.plan = plan;
        this.watch = watch;
        this.image = image;
        unitPages = plan.pageBytes().stream()
                .mapToInt(bytes -> (int) PageSize.pages(bytes))
                .toArray();
        var extents = new ArrayList<Extent>();
        for (int i = 0; i < unitPages.length; i++) {
            long bytes = plan.slots().get(i).bytes();
            long units = (PageSize.pages(bytes) + unitPages[i] - 1) / unitPages[i];
            extents.add(new Extent(units, Math.max(1, PageFetcher.PAGES / unitPages[i])));
        }
        server = new PageServer(
                extents,
                units(plan.prefetch().orElse(WorkingSet.empty())),
                plan.shared() ? Long.MAX_VALUE / 2 : InlinePages.AHEAD_PAGES);
        for (int region : plan.eagerRegions()) {
            server.presentAlready(server.start(region), extents.get(region).pages());
            for (long unit = server.start(region); !plan.shared() && unit < server.end(region); unit++) {
                server.drop(unit); // pushed: should the VMM ask all the same, it is fetched again
            }
        }
        answers = plan.shared() ? new SharedPages(files, unitPages, plan.givesBack()) : new InlinePages(server);
        supply = new PageSupply(server, unitPages, image, answers, new StorageTrouble(watch));
        own = new PageFetcher(image);
        faults = new FaultServer(plan.slots(), unitPages, server, supply, own, answers);
    }

    /// A working set is of pages, whatever the host's pages are.
    private WorkingSet units(WorkingSet pages) {
        if (Arrays.stream(unitPages).allMatch(each -> each == 1)) {
            return pages;
        }
        int count = pages.count();
        int[] regions = new int[count];
        long[] units = new long[count];
        for (int i = 0; i < count; i++) {
            regions[i] = pages.region(i);
            boolean known = regions[i] >= 0 && regions[i] < unitPages.length;
            units[i] = known ? pages.page(i) / unitPages[regions[i]] : pages.page(i);
        }
        return WorkingSet.of(regions, units, new int[count], count);
    }

    /// What is used for the first time is slow, and an unreadable snapshot is found out: both had better be before
    /// anything is said to the VMM.
    void begin() throws DrayException {
        own.fetch(0, 0, 1, (region, first, count, address, kinds) -> {});
        LazyRehearsal.run(image, plan.shared(), watch);
    }

    /// Connects for page faults and begins to serve them.
    ///
    /// @param ended takes whether every page was in its place or answered when it was over
    void open(Connector connector, Consumer<Boolean> ended) throws DrayException {
        Connection to = connector.connect(CONNECT_PATIENCE);
        connection = to;
        process = ProcessIdentity.of(to.peerProcess().orElse(0));
        MemorySegment role = NativeMemory.map(Wire.ROLE_BYTES);
        try {
            role.set(Wire.U16, 0, (short) Role.FAULT.code());
            to.write(role.address(), Wire.ROLE_BYTES);
        } finally {
            NativeMemory.unmap(role);
        }
        thread = Thread.ofPlatform().name("faults").start(() -> {
            boolean whole = false;
            try {
                faults.serve(to);
                whole = isWhole();
            } catch (DrayException e) {
                watch.warning(String.valueOf(e.getMessage()));
            } catch (RuntimeException | Error e) {
                watch.warning("A defect in Dray stopped the restore: " + e);
            }
            ended.accept(whole);
        });
    }

    /// Begins to fetch ahead: until now the VMM needed the processors to build its guest.
    void guestRuns() {
        faults.guestRuns();
        try {
            supply.start(FILL_THREADS);
        } catch (OutOfMemoryError e) { // the guest runs: it must not lose the thread that answers it
            watch.warning("No thread can be made that fetches memory ahead (" + e.getMessage()
                    + "): the guest gets each page when it asks for it");
        }
    }

    /// Bytes whose pages are in their places, or were given away.
    long doneBytes() {
        synchronized (supply) {
            long left = plan.shared() ? server.absent() : server.unasked();
            return Math.max(0, plan.bytes() - PageSize.offset(left) * unitPages[0]);
        }
    }

    /// What to tell the user, once, of a VMM that asks for nothing any more while it has not asked for all: its sweep
    /// never rests, so it has given that up.
    Optional<String> silence(long now) {
        if (silenceTold) {
            return Optional.empty();
        }
        OptionalLong since = faults.idleSince();
        if (since.isEmpty() || now - since.getAsLong() < SILENCE.toNanos()) {
            return Optional.empty();
        }
        long unasked;
        synchronized (supply) {
            unasked = server.unasked();
        }
        silenceTold = unasked > 0;
        return silenceTold
                ? Optional.of("Cloud Hypervisor has asked for no memory for " + SILENCE.toSeconds() + " s, though it"
                        + " lacks some: it has given up fetching ahead, and its log says why. The guest still needs"
                        + " Dray for each page that it has not touched yet; it is served until it ends. To have a guest"
                        + " that needs Dray no more, shut it down, and restore without --lazy")
                : Optional.empty();
    }

    /// Whether the guest has, or can reach, all of its memory now that the VMM asks for nothing more. Memory that is
    /// shared and in place is the VMM's without asking, as long as that lives.
    private boolean isWhole() {
        synchronized (supply) {
            if (server.unasked() == 0) {
                return true;
            }
            if (!plan.shared() || server.absent() > 0) {
                return false;
            }
        }
        return process.isPresent() && !isVmmGone();
    }

    /// Whether the VMM's process has ended, or does so within a short time. False if it cannot be seen, as over TCP.
    boolean isVmmGone() {
        boolean gone = isGone();
        for (int ms = 0; !gone && process.isPresent() && ms < ENDING_MS; ms += TICK_MS) {
            LockSupport.parkNanos(TICK_MS * 1_000_000L);
            gone = isGone();
        }
        return gone;
    }

    private boolean isGone() {
        return process.map(ProcessIdentity::hasEnded).orElse(false);
    }

    /// Ends everything, and waits for its threads.
    void stop() {
        if (connection != null) {
            connection.shutdown();
        }
        supply.stop();
        Threads.join(thread);
    }

    /// How the guest was served; after [#stop].
    LazyReport report() {
        return faults.report();
    }

    /// When the last page was answered; 0 if none was. After [#stop].
    long lastAnswer() {
        return faults.lastAnswer();
    }

    /// Page contents given to the guest; after [#stop].
    long contentBytes() {
        return PageSize.offset(supply.contents() + own.contents());
    }

    @Override
    public void close() {
        stop();
        faults.close();
        own.close();
        answers.close();
        server.close();
        if (connection != null) {
            connection.close();
        }
    }
}
