package dev.dray.bench;

import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Memfd;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// Gives a guest out of plain files to a VMM as plainly as can be.
final class PlainSender implements AutoCloseable {
    private static final int CONNECT_MS = 10_000;
    private static final int LISTEN_MS = 50;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();
    private static final long CHUNK_BYTES = 16 << 20;

    private final SavedGuest guest;
    private final Map<RamSlot, Fd> memory = new LinkedHashMap<>();

    PlainSender(SavedGuest guest) throws SysException {
        this.guest = guest;
        for (RamSlot slot : guest.slots()) {
            memory.put(slot, Memfd.create("plain", slot.fileOffset() + slot.bytes()));
        }
    }

    /// Gives a waiting machine its guest, memory first.
    ///
    /// @return from the first message to the guest running, ms
    double eager(ChMachine target, Path socket) throws Exception {
        try (PlainChannel main = connect(target, socket, "")) {
            long from = System.nanoTime();
            main.ask(Command.START, new byte[0]);
            fill();
            handOver(main);
            main.ask(Command.STATE, guest.state());
            main.ask(Command.COMPLETE, new byte[0]);
            double ms = (System.nanoTime() - from) / 1e6;
            Files.delete(socket);
            return ms;
        }
    }

    /// Gives a waiting machine its guest, and answers at once whatever it asks for: all memory was filled before.
    ///
    /// @return from the first message to the guest running, ms
    double lazy(ChMachine target, Path socket) throws Exception {
        fill();
        try (PlainChannel main = connect(target, socket, ",\"memory_mode\":\"Postcopy\"")) {
            long from = System.nanoTime();
            main.ask(Command.START, new byte[0]);
            handOver(main);
            PlainChannel faults = new PlainChannel(Socket.connectUnix(socket, CONNECT_MS), false);
            faults.say(Role.FAULT);
            Thread serving = Thread.ofPlatform().start(() -> serve(faults));
            main.ask(Command.STATE, guest.state());
            main.ask(Command.COMPLETE, new byte[0]);
            double ms = (System.nanoTime() - from) / 1e6;
            serving.join();
            Files.delete(socket);
            return ms;
        }
    }

    private static PlainChannel connect(ChMachine target, Path socket, String more) throws Exception {
        var receiving = target.calls()
                .putLater("vm.receive-migration", "{\"receiver_url\":\"unix:" + socket + "\"" + more + "}");
        ChMachine.await("the machine's socket", () -> Files.exists(socket) || receiving.isDone());
        if (receiving.isDone()) {
            throw new IOException("vm.receive-migration: " + receiving.get());
        }
        Thread.sleep(LISTEN_MS); // bound and not yet listening, it would refuse
        return new PlainChannel(Socket.connectUnix(socket, CONNECT_MS), false);
    }

    private void handOver(PlainChannel main) throws IOException, SysException {
        for (var entry : memory.entrySet()) {
            main.ask(entry.getKey().slot(), entry.getValue());
        }
        main.ask(Command.CONFIG, guest.config());
    }

    private static void serve(PlainChannel faults) {
        try (faults) {
            MemorySegment ok = NativeMemory.map(PageSize.BYTES);
            new ResponseHeader(ResponseHeader.OK, 0).write(ok, 0);
            while (faults.read(RequestHeader.BYTES + MemoryRange.BYTES)) {
                MemorySegment.copy(ok, 0, faults.buffer(), 0, ResponseHeader.BYTES);
                faults.write(ResponseHeader.BYTES);
            }
            NativeMemory.unmap(ok);
        } catch (IOException | SysException e) {
            System.err.println("the connection for faults broke: " + e);
        }
    }

    /// Copies all files into memory, with as many threads as there are cores.
    private void fill() throws InterruptedException {
        AtomicLong next = new AtomicLong();
        var threads = IntStream.range(0, THREADS)
                .mapToObj(_ -> Thread.ofPlatform().start(() -> {
                    MemorySegment buffer = NativeMemory.map(PlainChannel.PIECE_BYTES);
                    while (chunk(next.getAndIncrement(), buffer)) {
                        // goes on
                    }
                    NativeMemory.unmap(buffer);
                }))
                .toList();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private boolean chunk(long number, MemorySegment buffer) {
        long first = number * CHUNK_BYTES;
        for (RamSlot slot : guest.slots()) {
            if (first < slot.bytes()) {
                copy(slot, first, Math.min(slot.bytes(), first + CHUNK_BYTES), buffer);
                return true;
            }
            first -= (slot.bytes() + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
        }
        return false;
    }

    private void copy(RamSlot slot, long from, long to, MemorySegment buffer) {
        Fd into = Objects.requireNonNull(memory.get(slot));
        try (Fd file = OpenFile.open(guest.file(slot), OpenFile.O_RDONLY, 0)) {
            for (long at = from; at < to; ) {
                long got = FileIo.pread(file, buffer.address(), Math.min(buffer.byteSize(), to - at), at);
                FileIo.pwriteAll(into, buffer.address(), got, slot.fileOffset() + at);
                at += got;
            }
        } catch (SysException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        memory.values().forEach(Fd::close);
    }
}
