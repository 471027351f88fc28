package dev.dray.testbed;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A minimal QMP client for tests, written apart from the engine's own so that neither hides the other's
/// errors. Commands are sent by one thread; events pile up in [#events].
public final class QmpClient implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration ANSWER_WAIT = Duration.ofMinutes(1);

    private final SocketChannel channel;
    private final LinkedBlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<JsonNode> events = new LinkedBlockingQueue<>();

    /// Connects and leaves the negotiation mode.
    public QmpClient(Path socket) throws IOException {
        channel = connect(socket);
        Thread.ofVirtual().name("qmp-" + socket.getFileName()).start(this::readAll);
        execute("qmp_capabilities");
    }

    /// A socket has its name for a moment before anybody listens.
    private static SocketChannel connect(Path socket) throws IOException {
        long end = System.nanoTime() + ANSWER_WAIT.toNanos();
        while (true) {
            SocketChannel opened = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                opened.connect(UnixDomainSocketAddress.of(socket));
                return opened;
            } catch (ConnectException e) {
                opened.close();
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                LockSupport.parkNanos(5_000_000);
            }
        }
    }

    /// Sends a command and waits for what it returns; an error answer is an exception.
    ///
    /// @param arguments a JSON object, such as `{"uri": "unix:/x"}`
    public JsonNode execute(String command, String arguments) throws IOException {
        ObjectNode request = JSON.createObjectNode();
        request.put("execute", command);
        request.set("arguments", JSON.readTree(arguments));
        var bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(request));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        JsonNode answer = poll(answers, ANSWER_WAIT);
        if (answer == null || !answer.has("return")) {
            throw new IOException(command + " " + arguments + ": " + (answer == null ? "no answer" : answer));
        }
        return answer.get("return");
    }

    public JsonNode execute(String command) throws IOException {
        return execute(command, "{}");
    }

    /// What a human monitor command prints.
    public String human(String commandLine) throws IOException {
        ObjectNode arguments = JSON.createObjectNode();
        arguments.put("command-line", commandLine);
        return execute("human-monitor-command", arguments.toString()).asString();
    }

    /// The next event of this name, dropping others; null when none comes in time.
    public @Nullable JsonNode event(String name, Duration wait) throws IOException {
        long until = System.nanoTime() + wait.toNanos();
        while (true) {
            JsonNode event = poll(events, Duration.ofNanos(until - System.nanoTime()));
            if (event == null || event.path("event").asString("").equals(name)) {
                return event;
            }
        }
    }

    /// The next event of any name; null when none comes in time.
    public @Nullable JsonNode event(Duration wait) throws IOException {
        return poll(events, wait);
    }

    private static @Nullable JsonNode poll(LinkedBlockingQueue<JsonNode> queue, Duration wait) throws IOException {
        try {
            return queue.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private void readAll() {
        try (var lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode message = JSON.readTree(line);
                if (message.has("event")) {
                    events.add(message);
                } else if (!message.has("QMP")) {
                    answers.add(message);
                }
            }
        } catch (IOException e) {
            events.add(JSON.createObjectNode().put("event", "DISCONNECTED"));
        } finally {
            // Whoever waits for an answer need not wait to the end.
            answers.add(JSON.createObjectNode().put("closed", true));
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
