package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.page.PageServer;
import dev.dray.page.PageServer.Extent;
import dev.dray.page.WorkingSet;
import dev.dray.state.MachineState;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/// A VMM that asks for its one page, of zeros, twice, and hears no answer. The first answers that a JVM gives take it
/// milliseconds, in which a guest would stand still.
final class LazyRehearsal implements Connection {
    private static final int REQUESTS = 2;
    private static final int REQUEST_BYTES = RequestHeader.BYTES + MemoryRange.BYTES;
    private static final int[] UNIT_PAGES = {1};
    private static final RamSlot SLOT = new RamSlot(0, 0, PageSize.BYTES, "rehearsal", false, 0);

    private final MemorySegment request = NativeMemory.map(REQUEST_BYTES);
    private long given;

    private LazyRehearsal() {
        RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(request, 0);
        new MemoryRange(0, PageSize.BYTES).write(request, RequestHeader.BYTES);
    }

    /// Serves such a VMM, from the first request to the last.
    static void run(RestoreImage image, boolean shared, OperationWatch watch) throws DrayException {
        RestoreImage zeros = new Zeros(image);
        List<SlotFile> files = SlotFile.create(List.of(SLOT), List.of((long) PageSize.BYTES));
        try (var server = new PageServer(List.of(new Extent(1, 1)), WorkingSet.empty(), 1);
                PageAnswers answers = shared ? new SharedPages(files, UNIT_PAGES, true) : new InlinePages(server);
                var own = new PageFetcher(zeros);
                var vmm = new LazyRehearsal()) {
            var supply = new PageSupply(server, UNIT_PAGES, zeros, answers, new StorageTrouble(watch));
            try (var faults = new FaultServer(List.of(SLOT), UNIT_PAGES, server, supply, own, answers)) {
                faults.serve(vmm);
            }
        } finally {
            files.forEach(SlotFile::close);
        }
    }

    @Override
    public long receive(long address, long bytes) {
        if (given == REQUESTS * REQUEST_BYTES) {
            return 0;
        }
        NativeMemory.copy(address, request.address() + given % REQUEST_BYTES, bytes);
        given += bytes;
        return bytes;
    }

    @Override
    public void write(long address, long bytes) {}

    @Override
    public void readFully(long address, long bytes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean readOrEnd(long address, long bytes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public OptionalLong peerProcess() {
        return OptionalLong.empty();
    }

    @Override
    public void sendDescriptor(int slot, Fd descriptor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public SentDescriptor receiveDescriptor() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isQuiet() {
        return true;
    }

    @Override
    public void shutdown() {}

    @Override
    public void close() {
        NativeMemory.unmap(request);
    }

    /// Of which every page is zeros.
    private record Zeros(RestoreImage image) implements RestoreImage {
        @Override
        public GuestMemoryMap memory() {
            return image.memory();
        }

        @Override
        public MachineState state() throws DrayException {
            return image.state();
        }

        @Override
        public JsonNode facts() {
            return image.facts();
        }

        @Override
        public PageReader pageReader() {
            return new PageReader() {
                @Override
                public void read(int region, long first, int count, long address, long strideBytes, byte[] kinds) {
                    Arrays.fill(kinds, 0, count, (byte) PageKind.ZERO.ordinal());
                }

                @Override
                public void close() {}
            };
        }
    }
}
