package dev.dray.vmm.qemu;

import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.ControlSocket;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/// A client of QEMU's control protocol on a unix socket: one command at a time, every wait bounded,
/// events handed to one listener in the order they came. Source: QEMU's docs/interop/qmp-spec.rst.
///
/// Threads: commands may come from any thread and take turns; a reader thread of its own delivers events.
final class QmpClient implements AutoCloseable {
    /// Longest line taken from QEMU: `query-qmp-schema`, the longest known answer, has about 200 KB.
    static final int LINE_BYTES_MAX = 16 << 20;

    /// How long QEMU may take for an ordinary command. Its main loop can be busy saving devices, but
    /// not for this long.
    static final Duration COMMAND_LIMIT = Duration.ofSeconds(20);

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String SECOND_SOCKET = "give QEMU a second one for Dray (-qmp unix:PATH,server=on,wait=off;"
            + " under libvirt in <qemu:commandline>)";

    private final SocketChannel channel;
    private final Path socket;
    private final BlockingQueue<QmpReply> replies = new ArrayBlockingQueue<>(4);
    private final BlockingQueue<JsonNode> greeting = new ArrayBlockingQueue<>(1);
    private volatile Consumer<QmpEvent> listener = _ -> {};
    private volatile boolean lost;

    /// The number of the last command; answers to others are of no use any more.
    private volatile long asked;

    private QmpClient(SocketChannel channel, Path socket) {
        this.channel = channel;
        this.socket = socket;
    }

    /// Connects and negotiates. Nothing of the virtual machine is touched, so that every failure is a refusal.
    ///
    /// @param patience how long QEMU may take to greet
    static QmpClient connect(Path socket, Duration patience) throws RefusedException {
        var channel = open(socket, patience);
        var client = new QmpClient(channel, socket);
        Thread.ofVirtual().name("qmp-reader").start(client::readLines);
        try {
            JsonNode hello = client.greeting.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (hello == null || !hello.has("QMP")) {
                client.close();
                throw new RefusedException(
                        "The QMP socket " + socket + " accepted a connection but "
                                + (hello == null ? "said nothing" : "did not greet as QEMU does")
                                + ": another client, such as libvirt, probably holds it, or QEMU hangs",
                        SECOND_SOCKET);
            }
            client.execute("qmp_capabilities");
        } catch (InterruptedException e) {
            client.close();
            throw new RefusedException("Interrupted while waiting for the QMP socket " + socket, "", e);
        } catch (PeerException e) {
            client.close();
            throw new RefusedException(
                    "The QMP socket " + socket + " broke off the greeting: " + e.getMessage(),
                    e.whatToDo().isEmpty() ? SECOND_SOCKET : e.whatToDo(),
                    e);
        }
        return client;
    }

    private static SocketChannel open(Path socket, Duration patience) throws RefusedException {
        if (!Files.exists(socket)) {
            throw control(socket).missing();
        }
        try {
            var channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            Thread limit = closeAfter(patience, channel);
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                return channel;
            } catch (IOException e) {
                channel.close();
                throw e;
            } finally {
                limit.interrupt();
            }
        } catch (ClosedByInterruptException e) {
            throw new RefusedException("Interrupted while waiting for the QMP socket " + socket, "", e);
        } catch (ClosedChannelException e) { // while it waited, or before that
            throw new RefusedException(
                    "The QMP socket " + socket + " takes no further connection: another client, such as libvirt,"
                            + " probably holds it",
                    SECOND_SOCKET,
                    e);
        } catch (IOException | RuntimeException e) {
            throw unreachable(socket, e);
        }
    }

    /// Closes a channel unless the thread is interrupted before. A connection to a socket whose queue is full waits
    /// for ever, and QEMU does not take any from its queue while a client is connected.
    private static Thread closeAfter(Duration patience, SocketChannel channel) {
        return Thread.ofVirtual().name("qmp-connect-limit").start(() -> {
            try {
                Thread.sleep(patience);
                channel.close();
            } catch (InterruptedException | IOException e) {
                // Connected in time.
            }
        });
    }

    static RefusedException unreachable(Path socket, Exception reason) {
        return "Permission denied".equals(reason.getMessage())
                ? control(socket).forbidden(reason)
                : control(socket).silent(String.valueOf(reason.getMessage()), reason);
    }

    private static ControlSocket control(Path socket) {
        return new ControlSocket("QMP socket", socket, "QEMU", "-qmp unix:" + socket + ",server=on,wait=off");
    }

    /// Hands events to `listener` from now on, in the reader's thread; it must not block or call [#execute].
    void listen(Consumer<QmpEvent> newListener) {
        listener = newListener;
        if (lost) {
            newListener.accept(new QmpEvent(QmpEvent.CONNECTION_LOST, MissingNode.getInstance(), 0));
        }
    }

    /// Carries out a command; a refusal by QEMU is an exception with QEMU's own words.
    JsonNode execute(String command, ObjectNode arguments) throws PeerException {
        return switch (ask(command, arguments)) {
            case QmpReply.Value(var value) -> value;
            case QmpReply.Refused(var reason) -> throw new PeerException("QEMU refused " + command + ": " + reason, "");
        };
    }

    JsonNode execute(String command) throws PeerException {
        return execute(command, JSON.createObjectNode());
    }

    /// Carries out a command and gives QEMU's answer, a refusal too.
    ///
    /// An interrupt does not cut it short and is still there afterwards: what was said to QEMU is said, and a
    /// guest is put back over this connection, which a write by an interrupted thread would close.
    synchronized QmpReply ask(String command, ObjectNode arguments) throws PeerException {
        if (lost) {
            throw gone(command);
        }
        var message = JSON.createObjectNode();
        message.put("execute", command);
        if (!arguments.isEmpty()) {
            message.set("arguments", arguments);
        }
        long number = asked + 1;
        message.put("id", number);
        boolean interrupted = Thread.interrupted();
        try {
            asked = number;
            replies.clear();
            var bytes = ByteBuffer.wrap((message + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            QmpReply reply = null;
            long deadline = System.nanoTime() + COMMAND_LIMIT.toNanos();
            while (reply == null && System.nanoTime() - deadline < 0) {
                try {
                    reply = replies.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (reply == null) {
                close();
                throw new PeerException(
                        "QEMU did not answer " + command + " within " + COMMAND_LIMIT.toSeconds() + " s",
                        "see whether QEMU hangs (its main loop is busy or blocked)");
            }
            if (lost && reply instanceof QmpReply.Refused(var reason) && reason.isEmpty()) {
                throw gone(command);
            }
            return reply;
        } catch (IOException e) {
            throw new PeerException("QEMU's control connection broke at " + command + ": " + e.getMessage(), "", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private PeerException gone(String command) {
        return new PeerException(
                "QEMU closed its control connection " + socket + " (at " + command + ")", "see QEMU's own log");
    }

    private void readLines() {
        try {
            var line = new LineBuffer(channel);
            for (byte[] text = line.next(); text != null; text = line.next()) {
                dispatch(JSON.readTree(text));
            }
        } catch (IOException | JacksonException | InterruptedException e) {
            // The connection is of no more use; whoever waits is told below.
        } finally {
            lost = true;
            greeting.offer(MissingNode.getInstance());
            replies.offer(new QmpReply.Refused(""));
            listener.accept(new QmpEvent(QmpEvent.CONNECTION_LOST, MissingNode.getInstance(), 0));
        }
    }

    private void dispatch(JsonNode message) throws InterruptedException {
        if (message.has("id") && message.path("id").asLong(0) != asked) {
            return; // to a command that somebody gave up waiting for
        }
        if (message.has("event")) {
            JsonNode time = message.path("timestamp");
            long micros = time.path("seconds").asLong(0) * 1_000_000
                    + time.path("microseconds").asLong(0);
            listener.accept(new QmpEvent(message.path("event").asString(""), message.path("data"), micros));
        } else if (message.has("return")) {
            replies.put(new QmpReply.Value(message.path("return")));
        } else if (message.has("error")) {
            replies.put(new QmpReply.Refused(message.path("error").path("desc").asString("no reason given")));
        } else {
            var _ = greeting.offer(message);
        }
    }

    @Override
    public void close() {
        lost = true;
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing depends on it any more.
        }
    }

    /// Splits what comes from the socket at line ends.
    private static final class LineBuffer {
        private final SocketChannel channel;
        private final ByteBuffer chunk = ByteBuffer.allocate(64 << 10).flip();
        private byte[] line = new byte[4096];
        private int length;

        LineBuffer(SocketChannel channel) {
            this.channel = channel;
        }

        byte @org.jspecify.annotations.Nullable [] next() throws IOException {
            length = 0;
            while (true) {
                while (chunk.hasRemaining()) {
                    byte b = chunk.get();
                    if (b == '\n') {
                        return java.util.Arrays.copyOf(line, length);
                    }
                    append(b);
                }
                chunk.clear();
                int got = channel.read(chunk);
                chunk.flip();
                if (got < 0) {
                    return null;
                }
            }
        }

        private void append(byte b) throws IOException {
            if (length == LINE_BYTES_MAX) {
                throw new IOException("a line of more than " + LINE_BYTES_MAX + " bytes");
            }
            if (length == line.length) {
                line = java.util.Arrays.copyOf(line, Math.min(LINE_BYTES_MAX, line.length * 2));
            }
            line[length++] = b;
        }
    }
}
