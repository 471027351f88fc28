package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.SenderCourse.Event;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/// The main connection as a sender has it: requests go out in one write each, so that no Nagle holds back a part;
/// answers come back as events.
///
/// Threads: one that writes, and `answers`, its own, which reads.
final class MainConnection {
    private final Connection connection;
    private final Consumer<Event> events;
    private final Thread reader;

    /// @param connection closed here
    MainConnection(Connection connection, Consumer<Event> events) {
        this.connection = connection;
        this.events = events;
        this.reader = Thread.ofPlatform().name("answers").start(this::read);
    }

    /// Writes and reads one message of each kind in memory, and sends nothing.
    static void rehearse() {
        MemorySegment message = NativeMemory.map(RequestHeader.BYTES + MemoryRange.BYTES);
        try {
            RequestHeader.of(Command.PAGE_FAULT, MemoryRange.BYTES).write(message, 0);
            RequestHeader.read(message, 0);
            new MemoryRange(0, 0).write(message, RequestHeader.BYTES);
            MemoryRange.read(message, RequestHeader.BYTES);
            new ResponseHeader(ResponseHeader.OK, 0).write(message, 0);
            ResponseHeader.read(message, 0);
        } finally {
            NativeMemory.unmap(message);
        }
    }

    void start() throws DrayException {
        send(Command.START, new byte[0]); // and protocol version 0
    }

    /// Two system calls: the VMM loses a descriptor that comes with the head.
    void descriptor(int slot, Fd fd) throws DrayException {
        MemorySegment head = NativeMemory.map(RequestHeader.BYTES);
        try {
            RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES).write(head, 0);
            connection.write(head.address(), RequestHeader.BYTES);
        } finally {
            NativeMemory.unmap(head);
        }
        connection.sendDescriptor(slot, fd);
    }

    void config(byte[] document) throws DrayException {
        send(Command.CONFIG, document);
    }

    void state(byte[] document) throws DrayException {
        send(Command.STATE, document);
    }

    void complete(boolean paused) throws DrayException {
        send(paused ? Command.COMPLETE_PAUSED : Command.COMPLETE, new byte[0]);
    }

    void abandon() throws DrayException {
        send(Command.ABANDON, new byte[0]);
    }

    private void send(Command command, byte[] body) throws DrayException {
        MemorySegment message = NativeMemory.map(RequestHeader.BYTES + body.length);
        try {
            RequestHeader.of(command, body.length).write(message, 0);
            MemorySegment.copy(MemorySegment.ofArray(body), 0, message, RequestHeader.BYTES, body.length);
            connection.write(message.address(), message.byteSize());
        } finally {
            NativeMemory.unmap(message);
        }
    }

    private void read() {
        MemorySegment answer = NativeMemory.map(ResponseHeader.BYTES);
        try {
            while (connection.readOrEnd(answer.address(), ResponseHeader.BYTES)) {
                int status = ResponseHeader.read(answer, 0).status();
                events.accept(status == ResponseHeader.OK ? new Event.Answered() : new Event.Refused());
            }
        } catch (DrayException e) {
            // Broken is as good as ended: only the VMM's log says more.
        } finally {
            NativeMemory.unmap(answer);
        }
        events.accept(new Event.Ended());
    }

    /// Ends both directions, from any thread.
    void shutdown() {
        connection.shutdown();
    }

    void close() {
        connection.shutdown();
        Threads.join(reader);
        connection.close();
    }
}
