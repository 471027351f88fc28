package dev.dray.machine.qemu;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.FrozenPages;
import dev.dray.machine.vmm.Vmm;
import dev.dray.memory.PageSize;
import dev.dray.vmm.qemu.wire.ByteSink;
import dev.dray.vmm.qemu.wire.Command;
import dev.dray.vmm.qemu.wire.Configuration;
import dev.dray.vmm.qemu.wire.RamBlocks;
import dev.dray.vmm.qemu.wire.StreamWriter;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// What an outgoing migration writes, piece by piece; when each piece comes is decided elsewhere ([SourceCourse]).
/// Belongs to the sending thread.
final class SourceStream {
    /// Section number of memory; the devices follow.
    static final int MEMORY_SECTION = 1;

    private static final int FIRST_DEVICE_SECTION = 2;

    /// Value of the ping at the start, as QEMU sends it.
    private static final int PING = 1;

    /// After so long a part of memory ends, and whether to go on is decided.
    private static final long PART_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /// Pages between two looks at the clock.
    private static final int RUN_PAGES = 256;

    /// Where faults are met.
    @FunctionalInterface
    interface Steps {
        void reach(FaultStep step) throws PeerException;
    }

    private final Vmm vmm;
    private final StreamWriter out;
    private final MigrationCounters counters;
    private final Steps steps;
    private final PrecopyPages pages;
    private boolean anySent;

    SourceStream(Vmm vmm, ByteSink sink, MigrationCounters counters, Steps steps) {
        this.vmm = vmm;
        this.counters = counters;
        this.steps = steps;
        this.out = new StreamWriter(from -> {
            sink.write(from);
            counters.sentBytes.addAndGet(from.byteSize());
        });
        this.pages = new PrecopyPages(vmm.memory());
    }

    void setup(boolean returnPath) throws PeerException {
        steps.reach(FaultStep.SOURCE_HEADER);
        out.header();
        out.configuration(Configuration.of(vmm.machineType()));
        if (returnPath) {
            out.command(new Command.OpenReturnPath());
            out.command(new Command.Ping(PING));
        }
        out.flush();
        steps.reach(FaultStep.SOURCE_MEMORY_START);
        out.memoryStart(new RamBlocks(MEMORY_SECTION, vmm.memory().map()), false);
        out.flush();
        counters.setUp();
        counters.rounds.set(1);
    }

    /// Sends some memory of a running guest.
    ///
    /// @param bytesPerSecond the most that may be sent, 0 for no limit
    SourceCourse.Event.PartSent part(long bytesPerSecond, long downtimeLimitMs) throws PeerException {
        long start = System.nanoTime();
        long sentBefore = counters.sentBytes.get();
        long budget = bytesPerSecond == 0 ? Long.MAX_VALUE : Math.max(PageSize.BYTES, bytesPerSecond / 20);
        if (pages.isEmpty()) {
            pages.addWritten();
            counters.rounds.incrementAndGet();
        }
        out.beginPart();
        int run = 0;
        while (System.nanoTime() - start < PART_NANOS
                && counters.sentBytes.get() - sentBefore < budget
                && pages.next()) {
            do {
                send(pages.block(), pages.page());
                run++;
            } while (run % RUN_PAGES != 0 && run < budget / PageSize.BYTES && pages.next());
            out.flush();
            steps.reach(FaultStep.SOURCE_PAGES);
        }
        out.endSection();
        out.flush();
        steps.reach(FaultStep.SOURCE_PART_END);
        if (bytesPerSecond != 0) {
            sleepUntil(start + PART_NANOS);
        }
        long ms = Math.max(1, (System.nanoTime() - start) / 1_000_000);
        long pending = pages.pendingBytes();
        counters.remainingBytes.set(pending);
        return new SourceCourse.Event.PartSent(pending, (counters.sentBytes.get() - sentBefore) / ms, downtimeLimitMs);
    }

    private static void sleepUntil(long nanos) {
        long left = nanos - System.nanoTime();
        if (left > 0) {
            try {
                TimeUnit.NANOSECONDS.sleep(left);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Sends what is left of a guest that stands still.
    void rest(List<DeviceState> devices) throws PeerException {
        steps.reach(FaultStep.SOURCE_STOPPED);
        pages.addWritten();
        counters.rounds.incrementAndGet();
        out.command(new Command.SwitchoverStart());
        out.beginEnd();
        for (int run = 1; pages.next(); run++) {
            send(pages.block(), pages.page());
            if (run % RUN_PAGES == 0) {
                out.flush();
                steps.reach(FaultStep.SOURCE_PAGES);
            }
        }
        out.endSection();
        devices(devices);
    }

    /// Sends the memory and the devices of the instant at which they were frozen.
    void frozen(FrozenPages frozen, List<DeviceState> devices) throws PeerException {
        MemorySegment page = NativeMemory.map(PageSize.BYTES);
        try {
            boolean more = true;
            while (more) {
                out.beginPart();
                long start = System.nanoTime();
                for (int run = 1; System.nanoTime() - start < PART_NANOS; run++) {
                    more = frozen.takeNext(page);
                    if (!more) {
                        break;
                    }
                    send(frozen.takenBlock(), frozen.takenPage(), page);
                    if (run % RUN_PAGES == 0) {
                        out.flush();
                        steps.reach(FaultStep.SOURCE_PAGES);
                    }
                }
                out.endSection();
                out.flush();
                steps.reach(FaultStep.SOURCE_PART_END);
            }
        } finally {
            NativeMemory.unmap(page);
        }
        devices(devices);
    }

    private void devices(List<DeviceState> devices) throws PeerException {
        out.flush();
        steps.reach(FaultStep.SOURCE_DEVICES);
        out.sections(DeviceSections.encode(devices, FIRST_DEVICE_SECTION));
        out.endOfSections();
        out.flush();
        steps.reach(FaultStep.SOURCE_DESCRIPTION);
        out.description(VmDescription.of(vmm.machineType(), devices));
        out.flush();
    }

    private void send(int block, long page) throws PeerException {
        send(block, page, vmm.memory().block(block).page(page));
    }

    private void send(int block, long page, MemorySegment content) throws PeerException {
        if (!anySent) {
            anySent = true;
            steps.reach(FaultStep.SOURCE_FIRST_PAGE);
        }
        if (NativeMemory.isZero(content.address(), PageSize.BYTES)) {
            out.zeroPage(block, page);
            counters.zeroPages.incrementAndGet();
        } else {
            out.page(block, page, content);
            counters.contentPages.incrementAndGet();
        }
    }
}
