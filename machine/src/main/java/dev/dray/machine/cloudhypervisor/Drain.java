package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Cachestat;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.SysException;
import dev.dray.machine.vmm.Durations;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.MissingPages;
import dev.dray.machine.vmm.Threads;
import dev.dray.machine.vmm.Timings;
import dev.dray.machine.vmm.Vmm;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Fetches a running guest's memory: first what it waits for, else the next page that was not asked for yet, in
/// ascending order, one page at a time. Each page is asked for at least once, whatever is in it.
///
/// Where it fails the guest is not told: a page that nobody waited for ends the fetching ahead, silently; one that the
/// guest waits for lets it run on with zeros for a moment, and then the VMM ends with status 0. Source: Cloud
/// Hypervisor, vmm/src/memory_manager.rs, `uffd_handler_loop`.
final class Drain {
    /// How long a guest runs on without its memory.
    private static final long LAST_MS = 5;

    /// How many pages later a page is asked for again, if any is.
    private static final int REPEAT_DISTANCE = 16;

    private static final long HOLD_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Vmm vmm;
    private final GuestMemory memory;
    private final MissingPages missing;
    private final Channel channel;
    private final boolean isShared;
    private final int repeatEvery;
    private final Reach reach;
    private final BitSet[] served;
    private final MemorySegment inline = NativeMemory.map(PageSize.BYTES);
    private final Thread thread;
    private final Durations answers;
    private long began;
    private int cursorSlot;
    private int cursorPage;
    private long requests;
    private long again = -1;
    private long againAt;
    private boolean isGivenUp;
    private boolean isHeld;
    private volatile boolean isAnswered;
    private volatile boolean isDone;

    /// @param isShared whether the other side puts pages into the memory itself
    /// @param repeatEvery see [Model]
    Drain(
            Vmm vmm,
            GuestMemory memory,
            MissingPages missing,
            Channel channel,
            boolean isShared,
            int repeatEvery,
            Reach reach) {
        this.vmm = vmm;
        this.memory = memory;
        this.missing = missing;
        this.channel = channel;
        this.isShared = isShared;
        this.repeatEvery = repeatEvery;
        this.reach = reach;
        this.isHeld = reach.faults().isPlanned(FaultStep.RECEIVER_DRAIN);
        served = new BitSet[memory.slots().size()];
        for (int i = 0; i < served.length; i++) {
            served[i] = new BitSet();
        }
        answers = new Durations(memory.slots().stream()
                .mapToLong(slot -> PageSize.pages(slot.bytes()))
                .sum());
        thread = Thread.ofPlatform().daemon().name("uffd-handler").unstarted(this::loop);
    }

    void start() {
        thread.start();
    }

    /// Complete is answered.
    void answered() {
        isAnswered = true;
    }

    /// Whether memory is still coming; for ever, if fetching ahead was given up.
    boolean isRestoring() {
        return !isDone;
    }

    private void loop() {
        began = System.nanoTime();
        try {
            while (!missing.isOver() && !isDone) {
                OptionalLong fault = missing.nextFault();
                if (fault.isPresent()) {
                    serveFault(MissingPages.block(fault.getAsLong()), MissingPages.page(fault.getAsLong()));
                } else if (isGivenUp) {
                    missing.awaitFault();
                } else if (isHeld && !isAnswered) {
                    LockSupport.parkNanos(HOLD_NANOS);
                } else {
                    prefault();
                }
            }
        } catch (PeerException e) {
            die(e);
        } finally {
            channel.shutdown();
            channel.close();
        }
    }

    private void serveFault(int slot, long page) throws PeerException {
        if (!missing.isThere(slot, page)) {
            reach.step(FaultStep.RECEIVER_FAULT, channel);
            resolve(slot, page);
        }
    }

    private void prefault() {
        try {
            if (isHeld) {
                isHeld = false;
                reach.step(FaultStep.RECEIVER_DRAIN, channel);
            }
            if (again >= 0 && requests >= againAt) {
                long repeated = again;
                again = -1;
                resolve(MissingPages.block(repeated), MissingPages.page(repeated));
                return;
            }
            while (cursorSlot < served.length && served[cursorSlot].get(cursorPage)) {
                advance();
            }
            if (cursorSlot == served.length) {
                isDone = true;
                missing.end();
                double ms = (System.nanoTime() - began) / 1e6;
                Timings.tell(() -> "drain_ms=" + ms + " " + answers.summary("answer") + " " + missing.waits());
                return;
            }
            reach.step(FaultStep.RECEIVER_PREFAULT, channel);
            resolve(cursorSlot, cursorPage);
            advance();
        } catch (PeerException e) {
            vmm.log("UFFD prefault: abandoning background prefault after error: " + e.getMessage());
            isGivenUp = true;
        }
    }

    private void advance() {
        cursorPage++;
        if (cursorPage == PageSize.pages(memory.slots().get(cursorSlot).bytes())) {
            cursorSlot++;
            cursorPage = 0;
        }
    }

    private void resolve(int slot, long page) throws PeerException {
        long gpa = memory.slots().get(slot).gpa() + PageSize.offset(page);
        long asked = System.nanoTime();
        channel.send(RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES));
        channel.writeRange(new MemoryRange(gpa, PageSize.BYTES));
        ResponseHeader response = channel.response();
        answers.add(System.nanoTime() - asked);
        if (response.status() != ResponseHeader.OK) {
            throw new PeerException(
                    "peer returned " + response.status() + " for PageFault at gpa=0x" + Long.toHexString(gpa), "");
        }
        if (response.length() != (isShared ? 0 : PageSize.BYTES)) {
            throw new PeerException("PageFault response carried " + response.length() + " bytes", "");
        }
        if (isShared) {
            checkMaterialised(slot, page);
        } else {
            channel.readFully(inline.address(), PageSize.BYTES);
            if (!missing.isThere(slot, page)) {
                NativeMemory.copy(memory.memory().block(slot).page(page).address(), inline.address(), PageSize.BYTES);
            }
        }
        requests++;
        if (repeatEvery > 0 && requests % repeatEvery == 0 && again < 0) {
            again = MissingPages.fault(slot, page);
            againAt = requests + REPEAT_DISTANCE;
        }
        served[slot].set((int) page);
        missing.place(slot, page);
    }

    /// The kernel maps no page that the file does not have. (One that does not tell here is believed.)
    private void checkMaterialised(int slot, long page) throws PeerException {
        MemoryBlock block = memory.memory().block(slot);
        long offset = memory.slots().get(slot).fileOffset() + PageSize.offset(page);
        try {
            if (Cachestat.pages(block.memfd(), offset, PageSize.BYTES) == 0) {
                throw new PeerException("UFFDIO_CONTINUE: Bad address", "");
            }
        } catch (SysException e) {
            throw new PeerException("UFFDIO_CONTINUE: " + e.getMessage(), "", e);
        }
    }

    /// The guest wakes up and sees zeros, until the VMM has ended.
    private void die(PeerException why) {
        if (missing.isOver()) {
            return; // the machine is being closed, or the VM was deleted
        }
        vmm.log("UFFD handler exited with error: " + why.getMessage());
        missing.end();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LAST_MS));
        vmm.quit(0);
    }

    /// Breaks the connection; from any thread.
    void shutdown() {
        channel.shutdown();
    }

    /// Ends it. No memory is written any more when this returns.
    void close() {
        missing.end();
        shutdown();
        Threads.join(thread);
        NativeMemory.unmap(inline);
    }
}
