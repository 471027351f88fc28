package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/// Sends tables of memory: over the main connection, or over further ones, each with a thread that takes the next part.
/// Belongs to the migration's thread.
final class MemorySender implements AutoCloseable {
    private final GuestMemory memory;
    private final Reach reach;
    private final BlockingQueue<Work> queue = new LinkedBlockingQueue<>();
    private final List<Channel> channels = new CopyOnWriteArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile @Nullable PeerException failure;

    /// What a worker takes: a part of a table; or, without one, the end of its work.
    private record Work(@Nullable List<MemoryRange> part, CountDownLatch done) {}

    MemorySender(GuestMemory memory, Reach reach) {
        this.memory = memory;
        this.reach = reach;
    }

    /// Opens further connections; without any, memory goes over the main one.
    void open(Place to, int connections) throws PeerException {
        for (int i = 0; i < connections; i++) {
            Channel channel = Channel.connect(to);
            channels.add(channel);
            reach.step(FaultStep.SENDER_EXTRA_CONNECTION, channel);
            channel.send(Role.PRECOPY_MEMORY);
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("migrate-send-memory-" + i)
                    .start(() -> work(channel)));
        }
    }

    private void work(Channel channel) {
        try {
            while (true) {
                Work next = queue.take();
                List<MemoryRange> part = next.part;
                if (part == null) {
                    next.done.countDown();
                    return;
                }
                try {
                    if (failure == null) {
                        send(part, channel);
                    }
                } catch (PeerException e) {
                    failure = e;
                } finally {
                    next.done.countDown();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            channel.close();
        }
    }

    /// Returns when all of the table was sent and acknowledged. An empty one is not sent.
    void sendAll(List<MemoryRange> table, Channel main) throws PeerException {
        if (table.isEmpty()) {
            return;
        }
        if (threads.isEmpty()) {
            send(table, main);
            return;
        }
        List<List<MemoryRange>> parts = GuestMemory.partition(table, GuestMemory.CHUNK_BYTES_MAX);
        CountDownLatch done = new CountDownLatch(parts.size());
        parts.forEach(part -> queue.add(new Work(part, done)));
        await(done);
        PeerException broke = failure;
        if (broke != null) {
            throw broke;
        }
    }

    private static void await(CountDownLatch done) throws PeerException {
        try {
            done.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PeerException("interrupted", "", e);
        }
    }

    /// One request, with the OK to it.
    void send(List<MemoryRange> table, Channel to) throws PeerException {
        if (table.isEmpty()) {
            return;
        }
        reach.step(FaultStep.SENDER_MEMORY, to);
        long bytes = (long) table.size() * MemoryRange.BYTES;
        to.send(RequestHeader.of(Command.MEMORY, bytes));
        MemorySegment encoded = NativeMemory.map(bytes);
        try {
            RangeTable.write(table, encoded, 0);
            to.write(encoded.address(), bytes);
        } finally {
            NativeMemory.unmap(encoded);
        }
        for (MemoryRange range : table) {
            reach.step(FaultStep.SENDER_MEMORY_BODY, to);
            to.write(memory.address(range.gpa(), range.bytes()), range.bytes());
        }
        reach.step(FaultStep.SENDER_MEMORY_ANSWER, to);
        if (to.response().status() != ResponseHeader.OK) {
            throw new PeerException("Error sending memory to receiver side", "");
        }
    }

    /// Ends the workers; their connections are closed when this returns.
    @Override
    public void close() {
        CountDownLatch done = new CountDownLatch(threads.size());
        threads.forEach(_ -> queue.add(new Work(null, done)));
        Threads.join(threads);
        threads.clear();
    }

    /// Breaks the workers' connections; from any thread.
    void shutdown() {
        channels.forEach(Channel::shutdown);
    }
}
