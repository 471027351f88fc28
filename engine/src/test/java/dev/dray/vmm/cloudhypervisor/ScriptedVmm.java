package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// A receiver that does what it is told, on threads of its own: it notes what is said to it, keeps what is given to
/// it, and answers OK unless a test wants otherwise.
final class ScriptedVmm implements AutoCloseable {
    /// What happens instead of OK.
    enum Instead {
        ERROR,
        CLOSE,
        SILENCE
    }

    final Map<Command, Instead> script = new ConcurrentHashMap<>();
    final List<Command> said = Collections.synchronizedList(new ArrayList<>());
    final List<byte[]> documents = Collections.synchronizedList(new ArrayList<>());
    final Map<Integer, Fd> files = new TreeMap<>();

    /// Pages that came by `Memory`, by gpa.
    final Map<Long, byte[]> pushed = new ConcurrentSkipListMap<>();

    final List<String> wrong = Collections.synchronizedList(new ArrayList<>());
    final LinkedBlockingQueue<Connection> faults = new LinkedBlockingQueue<>();
    final CountDownLatch ended = new CountDownLatch(1);

    /// Runs before State is answered.
    volatile Runnable atState = () -> {};

    /// Runs between the head and the contents of each piece of memory.
    volatile Runnable inMemory = () -> {};

    /// Runs after each piece of memory.
    volatile Runnable atMemory = () -> {};

    private final Listener listener;
    private final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
    private final List<Connection> connections = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean closed;
    private final AtomicInteger unanswered = new AtomicInteger();

    ScriptedVmm(Endpoint endpoint) throws DrayException {
        listener = Listener.listen(endpoint, () -> closed);
        start("accept", this::accept);
    }

    Endpoint endpoint() {
        return listener.endpoint();
    }

    private interface Work {
        void run() throws DrayException, SysException;
    }

    private void start(String name, Work work) {
        threads.add(Thread.ofPlatform().daemon().name("vmm-" + name).start(() -> {
            try {
                work.run();
            } catch (DrayException | SysException e) {
                // The other side went away: what that means is the test's to say.
            }
        }));
    }

    private void accept() throws DrayException {
        boolean first = true;
        while (!closed) {
            listener.await(20);
            Connection next = listener.accept().orElse(null);
            if (next == null) {
                continue;
            }
            connections.add(next);
            if (first) {
                first = false;
                start("main", () -> main(next));
            } else {
                start("more", () -> more(next));
            }
        }
    }

    private void main(Connection connection) throws DrayException {
        MemorySegment head = NativeMemory.map(RequestHeader.BYTES);
        try {
            while (connection.readOrEnd(head.address(), RequestHeader.BYTES)) {
                RequestHeader header = RequestHeader.read(head, 0);
                Command command = Command.of(header.command()).orElseThrow();
                said.add(command);
                switch (command) {
                    case CONFIG, STATE -> documents.add(document(connection, (int) header.length()));
                    case MEMORY_FD -> {
                        var sent = connection.receiveDescriptor();
                        files.put(sent.slot(), sent.descriptor());
                    }
                    default -> {}
                }
                if (command == Command.STATE) {
                    if (unanswered.get() > 0) {
                        wrong.add("State came with " + unanswered.get() + " pieces of memory unanswered");
                    }
                    atState.run();
                }
                Instead instead = script.get(command);
                if (instead == Instead.CLOSE) {
                    connection.shutdown();
                    return;
                }
                if (instead != Instead.SILENCE) {
                    answer(connection, instead == Instead.ERROR ? ResponseHeader.ERROR : ResponseHeader.OK);
                }
            }
        } finally {
            NativeMemory.unmap(head);
            ended.countDown();
        }
    }

    private static void answer(Connection connection, int status) throws DrayException {
        MemorySegment answer = NativeMemory.map(ResponseHeader.BYTES);
        new ResponseHeader(status, 0).write(answer, 0);
        connection.write(answer.address(), ResponseHeader.BYTES);
        NativeMemory.unmap(answer);
    }

    private static byte[] document(Connection connection, int bytes) throws DrayException {
        MemorySegment body = NativeMemory.map(Math.max(1, bytes));
        connection.readFully(body.address(), bytes);
        byte[] document = body.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
        NativeMemory.unmap(body);
        return document;
    }

    private void more(Connection connection) throws DrayException {
        MemorySegment head = NativeMemory.map(RequestHeader.BYTES);
        connection.readFully(head.address(), Wire.ROLE_BYTES);
        int role = head.get(Wire.U16, 0);
        if (role == Role.FAULT.code()) {
            faults.add(connection);
            return;
        }
        while (connection.readOrEnd(head.address(), RequestHeader.BYTES)) {
            unanswered.incrementAndGet();
            RequestHeader header = RequestHeader.read(head, 0);
            if (header.command() != Command.MEMORY.code()) {
                wrong.add("command " + header.command() + " on a connection for memory");
            }
            byte[] table = document(connection, (int) header.length());
            var ranges = new RangeTable(MemorySegment.ofArray(table), RangeTable.count(header.length())).ranges();
            if (ranges.stream().mapToLong(MemoryRange::bytes).sum() > 64 << 20) {
                wrong.add("a request of more than 64 MiB");
            }
            inMemory.run();
            for (MemoryRange range : ranges) {
                take(connection, range);
            }
            unanswered.decrementAndGet(); // before the answer, after which State may come at once
            Instead instead = script.get(Command.MEMORY);
            if (instead != Instead.SILENCE) {
                answer(connection, instead == Instead.ERROR ? ResponseHeader.ERROR : ResponseHeader.OK);
            }
            atMemory.run();
        }
    }

    private void take(Connection connection, MemoryRange range) throws DrayException {
        if (range.gpa() < SampleImage.HIGH_GPA && range.gpa() + range.bytes() > SampleImage.LOW_BYTES) {
            wrong.add("a range that leaves its slot: " + range);
        }
        try {
            byte[] bytes = document(connection, (int) range.bytes());
            for (int at = 0; at < bytes.length; at += PageSize.BYTES) {
                pushed.put(range.gpa() + at, java.util.Arrays.copyOfRange(bytes, at, at + PageSize.BYTES));
            }
        } catch (DrayException e) {
            wrong.add("a body cut short: " + range);
            throw e;
        }
    }

    /// The connection for page faults.
    Faults faults() throws InterruptedException {
        Connection connection = faults.poll(60, TimeUnit.SECONDS);
        if (connection == null) {
            throw new AssertionError("no fault connection came");
        }
        return new Faults(connection);
    }

    /// Asks for pages, one at a time.
    static final class Faults {
        final Connection connection;
        private final MemorySegment message = NativeMemory.map(RequestHeader.BYTES + MemoryRange.BYTES);
        private final MemorySegment answer = NativeMemory.map(ResponseHeader.BYTES + PageSize.BYTES);

        Faults(Connection connection) {
            this.connection = connection;
        }

        void request(long gpa, long bytes) throws DrayException {
            RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(message, 0);
            new MemoryRange(gpa, bytes).write(message, RequestHeader.BYTES);
            connection.write(message.address(), message.byteSize());
        }

        /// As the real VMM does it.
        void requestInTwoParts(long gpa) throws DrayException {
            RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(message, 0);
            new MemoryRange(gpa, PageSize.BYTES).write(message, RequestHeader.BYTES);
            connection.write(message.address(), RequestHeader.BYTES);
            connection.write(message.address() + RequestHeader.BYTES, MemoryRange.BYTES);
        }

        ResponseHeader answer() throws DrayException {
            connection.readFully(answer.address(), ResponseHeader.BYTES);
            return ResponseHeader.read(answer, 0);
        }

        ResponseHeader ask(long gpa) throws DrayException {
            request(gpa, PageSize.BYTES);
            return answer();
        }

        /// Asks for a page that comes with its answer.
        byte[] fetch(long gpa) throws DrayException {
            ResponseHeader head = ask(gpa);
            if (head.status() != ResponseHeader.OK || head.length() != PageSize.BYTES) {
                throw new AssertionError("answered " + head);
            }
            return document(connection, PageSize.BYTES);
        }
    }

    /// What is in a file that was handed over; its holes read as zeros.
    byte[] read(int slot, long offset) throws SysException {
        MemorySegment page = NativeMemory.map(PageSize.BYTES);
        try {
            long read = FileIo.pread(file(slot), page.address(), PageSize.BYTES, offset);
            if (read != PageSize.BYTES) {
                throw new AssertionError("slot " + slot + " ends at " + (offset + read));
            }
            return page.toArray(ValueLayout.JAVA_BYTE);
        } finally {
            NativeMemory.unmap(page);
        }
    }

    /// The guest writes.
    void write(int slot, long offset, byte[] bytes) throws SysException {
        MemorySegment page = NativeMemory.map(bytes.length);
        MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, bytes.length);
        FileIo.pwriteAll(file(slot), page.address(), bytes.length, offset);
        NativeMemory.unmap(page);
    }

    Fd file(int slot) {
        @Nullable Fd file = files.get(slot);
        if (file == null) {
            throw new AssertionError("slot " + slot + " was not handed over");
        }
        return file;
    }

    @Override
    public void close() {
        closed = true;
        connections.forEach(Connection::shutdown);
        for (Thread thread : List.copyOf(threads)) {
            try {
                thread.join(60_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        connections.forEach(Connection::close);
        files.values().forEach(Fd::close);
        listener.close();
    }
}
