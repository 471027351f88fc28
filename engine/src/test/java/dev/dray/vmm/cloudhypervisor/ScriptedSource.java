package dev.dray.vmm.cloudhypervisor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.DrayException;
import dev.dray.linux.Fallocate;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.Memfd;
import dev.dray.linux.SysException;
import dev.dray.memory.PageSize;
import dev.dray.testbed.ChTrace;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// The sender of a small guest, with the documents of a real one: one slot of memory in a file, and each
/// message as a method, so that a test can send them in any order, or stop.
final class ScriptedSource implements AutoCloseable {
    static final int SLOT = 5;
    static final long BYTES = 8 << 20;
    static final long PAGES = BYTES / PageSize.BYTES;

    private static final ChTrace TRACE = ChTrace.of("small-snapshot-preserve");

    final Connection main;
    private final Endpoint endpoint;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BYTES + (1 << 16), 8);
    private final Fd memory;

    ScriptedSource(Endpoint endpoint) throws DrayException, SysException {
        this.endpoint = endpoint;
        this.main = open();
        this.memory = Memfd.create("scripted", BYTES);
    }

    private Connection open() throws DrayException {
        return new Connector(endpoint, () -> false).connect(Duration.ofSeconds(20));
    }

    /// A further connection.
    Connection open(Role role) throws DrayException {
        Connection connection = open();
        MemorySegment bytes = arena.allocate(Wire.ROLE_BYTES);
        bytes.set(Wire.U16, 0, (short) role.code());
        connection.write(bytes.address(), Wire.ROLE_BYTES);
        return connection;
    }

    static byte[] config() {
        return new String(TRACE.config(), StandardCharsets.UTF_8)
                .replace("67108864", Long.toString(BYTES))
                .replace("\"payload\":", "\"disks\":[{\"id\":\"_disk0\",\"path\":\"/d.raw\"}],\"payload\":")
                .replace("\"slot\":0", "\"slot\":" + SLOT)
                .getBytes(StandardCharsets.UTF_8);
    }

    static byte[] state() {
        return new String(TRACE.state(), StandardCharsets.UTF_8)
                .replace("67108864", Long.toString(BYTES))
                .getBytes(StandardCharsets.UTF_8);
    }

    /// A State whose table of memory has these ranges.
    static byte[] state(MemoryRange... ranges) {
        String data = Arrays.stream(ranges)
                .map(range -> "{\\\\\"gpa\\\\\":" + range.gpa() + ",\\\\\"length\\\\\":" + range.bytes() + "}")
                .collect(Collectors.joining(","));
        return new String(state(), StandardCharsets.UTF_8)
                .replaceFirst("(memory_ranges.{2,6}data.{2,4}\\[)[^\\]]*", "$1" + data)
                .getBytes(StandardCharsets.UTF_8);
    }

    /// Fills a page of the guest's memory with one byte.
    void set(long page, int value) throws SysException {
        byte[] content = new byte[PageSize.BYTES];
        Arrays.fill(content, (byte) value);
        try (Arena place = Arena.ofConfined()) {
            FileIo.pwriteAll(
                    memory, place.allocateFrom(JAVA_BYTE, content).address(), content.length, PageSize.offset(page));
        }
    }

    /// The guest gives a page back.
    void punch(long page) throws SysException {
        Fallocate.punchHole(memory, PageSize.offset(page), PageSize.BYTES);
    }

    Fd memory() {
        return memory;
    }

    void send(Connection connection, RequestHeader header, byte[] payload) throws DrayException {
        try (Arena place = Arena.ofConfined()) {
            MemorySegment message = place.allocate(RequestHeader.BYTES + payload.length);
            header.write(message, 0);
            MemorySegment.copy(payload, 0, message, JAVA_BYTE, RequestHeader.BYTES, payload.length);
            connection.write(message.address(), message.byteSize());
        }
    }

    /// Sends a request without waiting for its answer.
    void ask(Command command, byte[] payload) throws DrayException {
        send(main, RequestHeader.of(command, payload.length), payload);
    }

    /// The status of the answer.
    int answer(Connection connection) throws DrayException {
        try (Arena place = Arena.ofConfined()) {
            MemorySegment message = place.allocate(ResponseHeader.BYTES);
            connection.readFully(message.address(), ResponseHeader.BYTES);
            return ResponseHeader.read(message, 0).status();
        }
    }

    void ok(Command command, byte[] payload) throws DrayException {
        ask(command, payload);
        int status = answer(main);
        if (status != ResponseHeader.OK) {
            throw new AssertionError(command + " was answered " + status);
        }
    }

    void start() throws DrayException {
        ok(Command.START, new byte[0]);
    }

    void handOver() throws DrayException {
        send(main, RequestHeader.of(Command.MEMORY_FD, Wire.SLOT_BYTES), new byte[0]);
        main.sendDescriptor(SLOT, memory);
        int status = answer(main);
        if (status != ResponseHeader.OK) {
            throw new AssertionError("the memory was answered " + status);
        }
    }

    /// Sends ranges, with what the memory has in them now.
    void push(Connection connection, List<MemoryRange> ranges) throws DrayException, SysException {
        long data = ranges.stream().mapToLong(MemoryRange::bytes).sum();
        long table = (long) ranges.size() * MemoryRange.BYTES;
        RequestHeader.of(Command.MEMORY, table).write(buffer, 0);
        RangeTable.write(ranges, buffer, RequestHeader.BYTES);
        long at = RequestHeader.BYTES + table;
        for (MemoryRange range : ranges) {
            FileIo.pread(memory, buffer.address() + at, range.bytes(), range.gpa());
            at += range.bytes();
        }
        connection.write(buffer.address(), RequestHeader.BYTES + table + data);
    }

    /// Answers requests for memory until the connection ends; returns how many there were.
    int serve(Connection fault) throws DrayException, SysException {
        int served = 0;
        while (fault.readOrEnd(buffer.address(), RequestHeader.BYTES + MemoryRange.BYTES)) {
            MemoryRange range = MemoryRange.read(buffer, RequestHeader.BYTES);
            new ResponseHeader(ResponseHeader.OK, range.bytes()).write(buffer, 0);
            FileIo.pread(memory, buffer.address() + ResponseHeader.BYTES, range.bytes(), range.gpa());
            fault.write(buffer.address(), ResponseHeader.BYTES + range.bytes());
            served++;
        }
        return served;
    }

    @Override
    public void close() {
        main.close();
        memory.close();
        arena.close();
    }
}
