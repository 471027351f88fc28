package dev.dray.machine.qemu;

import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Threads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// One client of a control socket, from greeting to hang-up. Source: QEMU's docs/interop/qmp-spec.rst.
///
/// Threads: the caller of [#run] reads and carries out commands; a thread of its own writes, so that a client that does
/// not read holds up nobody.
final class QmpSession implements AutoCloseable {
    /// Lines that can wait for a client; one that lets more pile up is hung up on.
    private static final int WAITING_MAX = 4096;

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String END = "";

    private final SocketChannel channel;
    private final QmpCommands commands;
    private final Faults faults;
    private final Runnable death;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>(WAITING_MAX);
    private volatile boolean isNegotiated;
    /// Whether this client has told the machine to end.
    private boolean quits;

    QmpSession(SocketChannel channel, QmpCommands commands, Faults faults, Runnable death) {
        this.channel = channel;
        this.commands = commands;
        this.faults = faults;
        this.death = death;
    }

    /// Serves the client until it hangs up or the session is closed.
    void run() {
        Thread writer = Thread.ofVirtual().name("qmp-write").start(this::write);
        try {
            if (reach(FaultStep.CONTROL_GREETING)) {
                send(commands.greeting());
                read();
            }
        } catch (IOException _) {
            // The client has gone, or the session was closed.
        } finally {
            boolean _ = lines.offer(END);
            Threads.join(writer);
            close();
            if (quits) {
                commands.quit();
            }
        }
    }

    /// Sends an event, if the client has said that it is ready.
    void event(ObjectNode event) {
        if (isNegotiated) {
            send(event);
        }
    }

    private void read() throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(16 << 10);
        JsonObjects objects = new JsonObjects();
        while (channel.read(chunk) >= 0) {
            chunk.flip();
            while (chunk.hasRemaining()) {
                Optional<String> whole = objects.take(chunk.get());
                if (whole.isPresent()) {
                    obey(whole.get());
                }
            }
            chunk.clear();
        }
    }

    private void obey(String line) throws IOException {
        JsonNode request;
        try {
            request = JSON.readTree(line);
        } catch (JacksonException e) {
            send(error(new QmpException("JSON parse error, " + e.getOriginalMessage())));
            return;
        }
        ObjectNode answer;
        try {
            answer = JSON.createObjectNode();
            answer.set("return", carryOut(request));
        } catch (QmpException e) {
            answer = error(e);
        }
        if (request.has("id")) {
            answer.set("id", request.get("id"));
        }
        if (reach(FaultStep.CONTROL_ANSWER)) {
            send(answer);
        }
        if (commands.isQuitting()) {
            throw new IOException("quit");
        }
    }

    private JsonNode carryOut(JsonNode request) throws QmpException, IOException {
        if (!request.isObject()) {
            throw new QmpException("QMP input must be a JSON object");
        }
        if (!request.has("execute")) {
            throw new QmpException("QMP input lacks member 'execute'");
        }
        String name = request.path("execute").asString("");
        if (name.equals("qmp_capabilities")) {
            if (isNegotiated) {
                throw new QmpException(
                        QmpException.COMMAND_NOT_FOUND,
                        "Capabilities negotiation is already complete, command ignored");
            }
            isNegotiated = true;
            return JSON.createObjectNode();
        }
        if (!isNegotiated) {
            throw new QmpException(
                    QmpException.COMMAND_NOT_FOUND, "Expecting capabilities negotiation with 'qmp_capabilities'");
        }
        if (!reach(FaultStep.CONTROL_COMMAND)) {
            throw new QmpException("planned fault at " + FaultStep.CONTROL_COMMAND);
        }
        JsonNode result = commands.execute(name, request.path("arguments"));
        quits = quits || name.equals("quit");
        return result;
    }

    /// @return false if what comes next is not to be done
    private boolean reach(FaultStep step) throws IOException {
        var fault = faults.reach(step);
        if (fault.isEmpty()) {
            return true;
        }
        Faults.Action action = fault.get();
        if (action == Faults.Action.ERROR) {
            return false;
        }
        if (action == Faults.Action.STALL) {
            int _ = channel.read(ByteBuffer.allocate(1));
        } else if (action == Faults.Action.DIE) {
            death.run();
        }
        throw new IOException("planned fault at " + step);
    }

    private static ObjectNode error(QmpException e) {
        ObjectNode answer = JSON.createObjectNode();
        answer.putObject("error").put("class", e.errorClass()).put("desc", e.description());
        return answer;
    }

    private void send(ObjectNode message) {
        if (!lines.offer(message.toString())) {
            close();
        }
    }

    private void write() {
        try {
            for (String line = lines.take(); !line.equals(END); line = lines.take()) {
                ByteBuffer bytes = ByteBuffer.wrap((line + "\r\n").getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            }
        } catch (IOException _) {
            close();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
