package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Fallocate;
import dev.dray.linux.Fd;
import dev.dray.linux.Memfd;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Sends a migration as the recorded sender did; memory is zeros. Which page is asked for next is the guest's and the
/// receiver's choice: requests are answered as they come, and kept.
final class ScriptedSender extends Scripted {
    private final Place to;
    private final boolean isFreeOfSize;
    private final List<Fd> files = new ArrayList<>();
    private final List<Long> asked = new ArrayList<>();
    private final Set<Integer> answered = new HashSet<>();
    private final Set<Integer> connected = new HashSet<>();

    ScriptedSender(ChTrace trace, Place to) {
        this(trace, to, false);
    }

    /// @param isFreeOfSize whether the receiver may ask for pieces of any size, and not for single pages only
    ScriptedSender(ChTrace trace, Place to, boolean isFreeOfSize) {
        super(trace);
        this.isFreeOfSize = isFreeOfSize;
        this.to = to;
        play("sender-0", () -> play(0));
    }

    /// The pages that were asked for, in this order.
    synchronized List<Long> asked() {
        return List.copyOf(asked);
    }

    private void play(int connection) throws Exception {
        boolean isFault = false;
        int opened = connection;
        try (Channel channel = connect()) {
            connected(connection);
            for (Event event : trace.connection(connection)) {
                if (connection == 0) {
                    opened = openUpTo(event, opened);
                    awaitMemory(event);
                }
                if (event.is("role")) {
                    channel.write(event.bytes());
                    isFault = event.bytes()[0] == 2;
                    if (isFault) {
                        serve(channel);
                        return;
                    }
                } else if (event.speaker() == Speaker.SENDER) {
                    say(event, channel);
                } else if (event.speaker() == Speaker.RECEIVER && event.is("response")) {
                    compare(event, channel.read(HEADER_BYTES));
                    answered(event);
                }
            }
        }
    }

    /// Waits until somebody listens.
    private Channel connect() throws Exception {
        for (int i = 0; ; i++) {
            try {
                return Channel.connect(to);
            } catch (PeerException e) {
                if (i == 12_000) {
                    throw e;
                }
                Thread.sleep(5);
            }
        }
    }

    private synchronized void connected(int connection) {
        connected.add(connection);
        notifyAll();
    }

    /// Opens the connections that were there before this event. What they are for may be said later.
    private int openUpTo(Event event, int opened) throws InterruptedException {
        int last = opened;
        for (Event earlier : trace.events()) {
            if (earlier.number() < event.number() && earlier.is("connect") && earlier.connection() > last) {
                last = earlier.connection();
                int connection = last;
                play("sender-" + connection, () -> play(connection));
                synchronized (this) {
                    while (!connected.contains(connection)) {
                        wait();
                    }
                }
            }
        }
        return last;
    }

    private synchronized void answered(Event event) {
        answered.add(event.number());
        notifyAll();
    }

    /// What is sent on the main connection comes after all memory that was sent before it.
    private synchronized void awaitMemory(Event event) throws InterruptedException {
        while (trace.events().stream()
                .anyMatch(earlier -> earlier.number() < event.number()
                        && earlier.answers().equals("Memory")
                        && !answered.contains(earlier.number())
                        && earlier.connection() > 0)) {
            wait();
        }
    }

    private void say(Event event, Channel channel) throws Exception {
        switch (event.kind()) {
            case "eof" -> channel.shutdown();
            case "MemoryFd" -> {
                channel.write(Arrays.copyOf(event.bytes(), HEADER_BYTES));
                long bytes = event.fields().path("fd").path(0).path("size").asLong();
                Fd file = Memfd.create("scripted", bytes);
                Fallocate.materialise(file, 0, bytes);
                synchronized (this) {
                    files.add(file);
                }
                channel.sendDescriptor(event.fields().path("slot").asInt(), file);
            }
            default -> {
                channel.write(event.bytes());
                if (event.is("Memory")) {
                    fill(channel, event.memoryBytes());
                }
            }
        }
    }

    /// Answers as the recorded sender did, for as long as it is asked.
    private void serve(Channel channel) throws Exception {
        Optional<Event> request =
                trace.events().stream().filter(event -> event.is("PageFault")).findFirst();
        Optional<Event> answer = trace.events().stream()
                .filter(event ->
                        event.is("response") && event.fields().path("status").isNumber())
                .findFirst();
        if (request.isEmpty() || answer.isEmpty()) {
            throw new AssertionError("no page faults in " + trace);
        }
        channel.noDelay();
        while (channel.isReadable(120_000)) {
            var header = channel.request();
            if (header.isEmpty()) {
                return;
            }
            var range = channel.readRange();
            boolean isAlike = header.get().command() == 9
                    && header.get().version() == 0
                    && header.get().length() == length(request.get().bytes())
                    && (isFreeOfSize
                            || range.bytes()
                                    == request.get().fields().path("plen").asLong());
            if (!isAlike) {
                differs(request.get(), "heard " + header.get() + " " + range);
            }
            synchronized (this) {
                asked.add(range.gpa());
            }
            if (isFreeOfSize) {
                channel.answer(1, range.bytes());
                fill(channel, range.bytes());
            } else {
                channel.write(answer.get().bytes());
                fill(channel, answer.get().memoryBytes());
            }
        }
    }

    @Override
    public synchronized void close() {
        files.forEach(Fd::close);
    }
}
