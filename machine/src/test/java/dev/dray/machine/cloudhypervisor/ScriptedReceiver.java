package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/// Takes a migration as the recorded receiver did. How often and which memory is sent depends on the guest: requests
/// with memory are taken as they come.
final class ScriptedReceiver extends Scripted {
    private static final int MEMORY = 4;

    private final Fd listener;
    private final Difference documents;
    private final List<CountDownLatch> accepted;
    private final Play beforeEnd;

    /// @param documents compares Config and State
    ScriptedReceiver(ChTrace trace, Place at, Difference documents) throws Exception {
        this(trace, at, documents, () -> {});
    }

    /// @param beforeEnd what is waited for before a connection is ended
    ScriptedReceiver(ChTrace trace, Place at, Difference documents, Play beforeEnd) throws Exception {
        super(trace);
        this.beforeEnd = beforeEnd;
        this.documents = documents;
        listener = at.listen();
        accepted = Stream.generate(() -> new CountDownLatch(1))
                .limit(trace.connections())
                .toList();
        for (int i = 0; i < trace.connections(); i++) {
            int connection = i;
            play("receiver-" + i, () -> play(connection));
        }
    }

    /// Connections come one after the other, and the recorded order is that in which they are accepted.
    private Channel accept(int connection) throws Exception {
        if (connection > 0) {
            accepted.get(connection - 1).await();
        }
        while (Poll.wait(listener, Poll.POLLIN, 100) == 0) {
            // goes on
        }
        Channel channel = new Channel(Socket.accept(listener));
        accepted.get(connection).countDown();
        return channel;
    }

    private void play(int connection) throws Exception {
        List<Event> script = trace.connection(connection).stream()
                .filter(event -> !event.is("Memory") && !event.answers().equals("Memory") && !event.is("connect"))
                .toList();
        try (Channel channel = accept(connection)) {
            for (Event event : script) {
                if (event.speaker() == Speaker.RECEIVER && event.is("eof")) {
                    beforeEnd.run();
                    channel.shutdown();
                } else if (event.speaker() == Speaker.RECEIVER) {
                    channel.write(event.bytes());
                } else if (event.speaker() == Speaker.SENDER) {
                    hear(event, channel);
                }
            }
        }
    }

    private void hear(Event event, Channel channel) throws Exception {
        switch (event.kind()) {
            case "eof" -> {
                if (!takeMemory(channel, true)) {
                    differs(event, "it goes on");
                }
            }
            case "role" -> compare(event, channel.read(2));
            case "response" -> { // of a Fault connection, with a page
                compare(event, channel.read(HEADER_BYTES));
                skip(channel, event.memoryBytes());
            }
            case "MemoryFd" -> {
                byte[] header = channel.read(HEADER_BYTES);
                compare16(event, header);
                Channel.Descriptor descriptor = channel.receiveDescriptor();
                descriptor.file().close();
                if (descriptor.slot() != event.fields().path("slot").asInt()) {
                    differs(event, "slot " + descriptor.slot());
                }
            }
            case "Config", "State" -> {
                byte[] header = nextHeader(channel);
                byte[] document = channel.read((int) length(header));
                byte[] command = Arrays.copyOf(header, 8);
                if (!Arrays.equals(command, Arrays.copyOf(event.bytes(), 8))) {
                    differs(event, "heard " + hex(header));
                }
                String how = documents.between(event, document);
                if (!how.isEmpty()) {
                    differs(event, how);
                }
            }
            default -> compare(event, nextHeader(channel));
        }
    }

    private void compare16(Event event, byte[] header) {
        if (!Arrays.equals(Arrays.copyOf(event.bytes(), HEADER_BYTES), header)) {
            differs(event, "heard " + hex(header));
        }
    }

    private final ThreadLocal<byte[]> pending = ThreadLocal.withInitial(() -> new byte[0]);

    /// The next request's header; memory before it is taken.
    private byte[] nextHeader(Channel channel) throws Exception {
        if (takeMemory(channel, false)) {
            throw new AssertionError("the end of the connection");
        }
        return pending.get();
    }

    /// @return whether the connection has ended; else the header of a request that is not Memory is pending
    private boolean takeMemory(Channel channel, boolean endIsFine) throws Exception {
        while (true) {
            byte[] header;
            try {
                header = channel.read(HEADER_BYTES);
            } catch (PeerException e) {
                if (endIsFine) {
                    return true;
                }
                throw e;
            }
            if (header[0] != MEMORY || header[1] != 0) {
                pending.set(header);
                return false;
            }
            byte[] table = channel.read((int) length(header));
            long bytes = 0;
            for (int i = 0; i < table.length; i += 16) {
                bytes += length(Arrays.copyOfRange(table, i, i + 16));
            }
            skip(channel, bytes);
            channel.answer(1, 0);
        }
    }

    @Override
    public void close() {
        listener.close();
    }
}
