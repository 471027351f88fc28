package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageRun;
import dev.dray.page.PageServer;
import dev.dray.page.PageServer.Asked;
import dev.dray.vmm.LazyReport;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalLong;
import jdk.jfr.FlightRecorder;

/// Answers the page requests of one connection, each before the next one is read. The VMM asks for every page of its
/// guest at least once, its own sweep among what the guest touches; so a request whose page is in its place takes two
/// system calls, no lock, and allocates nothing.
///
/// There is no way to say no: at an `Error`, or when the connection ends, the VMM lets its guest run on zeros for a
/// moment, and then dies. So a request that cannot be answered waits.
///
/// Threads: one, which runs [#serve]. What it counted is read after that.
final class FaultServer implements AutoCloseable {
    private static final int REQUEST_BYTES = RequestHeader.BYTES + MemoryRange.BYTES;
    private static final int LENGTH_OFFSET = RequestHeader.BYTES + 8;
    private static final long BUSY = Long.MIN_VALUE;

    /// What is fetched behind a miss of the VMM's sweep at once: so little that whoever asks next hardly waits for it.
    private static final int PAGES_BEHIND = 16;

    private final PageServer server;
    private final PageSupply supply;
    private final PageFetcher own;
    private final PageAnswers answers;
    private final long[] gpas;
    private final long[] ends;
    private final int[] unitShift;
    private final long[] sweeps;
    private final long bytesMax;
    private final PageRun run = new PageRun();
    private final MemorySegment request = NativeMemory.map(REQUEST_BYTES);
    private final MemorySegment ok = NativeMemory.map(ResponseHeader.BYTES);
    private final boolean recorded = FlightRecorder.isInitialized();
    private final FaultLatency latency = new FaultLatency();
    private final AskedPages asked = new AskedPages();
    private long requests;
    private long misses;
    private long lastAnswer;
    private volatile long runsSince = System.nanoTime();
    private volatile long idleSince = System.nanoTime();

    /// @param slots of all extents of the server, ascending
    /// @param unitPages pages in a unit of each extent, powers of two
    /// @param own fetches what is asked for and not there yet
    FaultServer(
            List<RamSlot> slots,
            int[] unitPages,
            PageServer server,
            PageSupply supply,
            PageFetcher own,
            PageAnswers answers) {
        this.server = server;
        this.supply = supply;
        this.own = own;
        this.answers = answers;
        bytesMax = answers.dropsAnswered() ? PageSize.BYTES : WireLimits.FAULT_BYTES_MAX;
        gpas = slots.stream().mapToLong(RamSlot::gpa).toArray();
        ends = slots.stream().mapToLong(slot -> slot.gpa() + slot.bytes()).toArray();
        unitShift = new int[unitPages.length];
        sweeps = new long[unitPages.length];
        for (int i = 0; i < unitPages.length; i++) {
            unitShift[i] = Integer.numberOfTrailingZeros(unitPages[i]);
            sweeps[i] = server.start(i);
        }
        new ResponseHeader(ResponseHeader.OK, 0).write(ok, 0);
    }

    /// The guest was let run: times in the working set count from here.
    void guestRuns() {
        runsSince = System.nanoTime();
    }

    /// Answers until the VMM ends the connection, or somebody shuts it down.
    ///
    /// @throws PeerException if the VMM says what is no request
    void serve(Connection connection) throws DrayException {
        int region = 0;
        while (true) {
            if (!read(connection, 0, RequestHeader.BYTES)) {
                return;
            }
            int command = Short.toUnsignedInt(request.get(Wire.U16, 0));
            if (command == Command.ABANDON.code()) {
                connection.write(ok.address(), ResponseHeader.BYTES);
                return;
            }
            if (command != Command.PAGE_FAULT.code()) {
                throw new PeerException("Cloud Hypervisor sent command " + command + " where it asks for pages", "");
            }
            if (!read(connection, RequestHeader.BYTES, MemoryRange.BYTES)) {
                return;
            }
            long start = System.nanoTime();
            idleSince = BUSY;
            long gpa = request.get(Wire.U64, RequestHeader.BYTES);
            long bytes = request.get(Wire.U64, LENGTH_OFFSET);
            if (gpa < gpas[region] || gpa >= ends[region]) {
                region = find(gpa);
            }
            boolean whole = PageSize.isAligned(gpa) && PageSize.isAligned(bytes);
            if (bytes <= 0 || bytes > bytesMax || bytes > ends[region] - gpa || !whole) {
                throw outside(gpa, bytes);
            }
            if (!answer(connection, region, gpa, bytes, start)) {
                return;
            }
        }
    }

    /// The two parts of a request may come together or apart.
    private boolean read(Connection connection, int offset, int bytes) {
        int done = 0;
        while (done < bytes) {
            long count = connection.receive(request.address() + offset + done, bytes - done);
            if (count == 0) {
                return false;
            }
            done += (int) count;
        }
        return true;
    }

    private int find(long gpa) throws PeerException {
        for (int i = 0; i < gpas.length; i++) {
            if (gpa >= gpas[i] && gpa < ends[i]) {
                return i;
            }
        }
        throw outside(gpa, 0);
    }

    private static PeerException outside(long gpa, long bytes) {
        return new PeerException(
                "Cloud Hypervisor asked for " + bytes + " bytes of memory at 0x" + Long.toHexString(gpa)
                        + ", which Dray cannot give",
                "report this");
    }

    private boolean answer(Connection connection, int region, long gpa, long bytes, long start) throws DrayException {
        long first = PageSize.index(gpa - gpas[region]);
        long pages = PageSize.index(bytes);
        int shift = unitShift[region];
        long base = server.start(region);
        long unit = base + (first >> shift);
        long last = base + ((first + pages - 1) >> shift);
        boolean repeat = false;
        boolean miss = false;
        // Where only so much is fetched ahead, all of that is for the VMM's sweep, which uses it up.
        boolean sweep = isSweep(region, unit);
        for (long each = unit; each <= last; each++) {
            Asked was = server.isPresent(each) && !answers.dropsAnswered()
                    ? server.request(each)
                    : supply.ask(each, sweep || !answers.dropsAnswered(), run, own);
            if (was == null) {
                return false;
            }
            miss |= !was.present();
            repeat |= !was.first();
        }
        answers.answer(connection, region, first, pages, repeat);
        if (!sweep && !repeat) {
            asked.add(region, (unit - base) << shift, (start - runsSince) / 1000);
        }
        for (long each = unit; each <= last && answers.dropsAnswered(); each++) {
            supply.drop(each);
        }
        count(gpa, miss, start);
        int unitsBehind = PAGES_BEHIND >> shift; // none of huge ones: a guest may wait next
        if (miss && sweep && unitsBehind > 0) {
            supply.goOn(unitsBehind, run, own); // while the VMM is at the answer
        }
        return true;
    }

    /// Whether a request may be one of the VMM's own sweep, which looks no different: it asks for the first page of a
    /// region that it does not have yet. What the guest touches there is as good as not noted: the sweep is at it.
    private boolean isSweep(int region, long unit) {
        long next = server.nextUnasked(sweeps[region], server.end(region));
        sweeps[region] = next < 0 ? server.end(region) : next;
        return next == unit;
    }

    private void count(long gpa, boolean miss, long start) {
        requests++;
        lastAnswer = System.nanoTime();
        idleSince = lastAnswer;
        latency.add(lastAnswer - start);
        if (miss) {
            misses++;
        }
        if (recorded && (miss || requests % FaultEvent.SAMPLE == 0)) {
            var event = new FaultEvent();
            event.gpa = gpa;
            event.present = !miss;
            event.commit();
        }
    }

    long requests() {
        return requests;
    }

    /// Since when the VMM of a guest that runs asks for nothing, in nanoseconds of the system's clock; empty while it
    /// waits for an answer.
    OptionalLong idleSince() {
        long since = idleSince;
        return since == BUSY ? OptionalLong.empty() : OptionalLong.of(since - runsSince > 0 ? since : runsSince);
    }

    /// When the last answer was given, in nanoseconds of the system's clock; 0 if there was none.
    long lastAnswer() {
        return lastAnswer;
    }

    LazyReport report() {
        return new LazyReport(
                misses,
                requests,
                latency.quantileUs(0.5),
                latency.quantileUs(0.99),
                latency.maxUs(),
                latency.histogram(),
                asked.workingSet());
    }

    @Override
    public void close() {
        asked.close();
        NativeMemory.unmap(request);
        NativeMemory.unmap(ok);
    }
}
