package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.UsageException;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SysException;
import dev.dray.vmm.Threads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The API of a Cloud Hypervisor whose VM is in the state that a test sets: notes what it was asked, and
/// migrates as it is told. One call a connection.
final class ScriptedApi implements AutoCloseable {
    /// What was asked and not refused: `vm.resume`, `vm.send-migration`, ...
    final List<String> asked;

    /// What `vm.send-migration` begins, in a thread of its own, after which the migration is over.
    volatile Consumer<Endpoint> sender = _ -> {};

    volatile String state;
    volatile String version = "54.0.0";

    /// What it takes its process for.
    volatile long pid = ProcessHandle.current().pid();

    volatile String config = "{\"memory\":{\"size\":8388608,\"shared\":true}}";
    private final Path path;
    private final Fd listener;
    private final Thread thread;
    private volatile boolean migrates;
    private volatile @Nullable Thread migration;
    private volatile String frozen = "";
    private volatile boolean closed;

    ScriptedApi(Path path, String state) throws SysException {
        this(path, state, Collections.synchronizedList(new ArrayList<>()));
    }

    ScriptedApi(Path path, String state, List<String> log) throws SysException {
        this.path = path;
        this.state = state;
        this.asked = log;
        this.listener = Socket.listenUnix(path, 8);
        this.thread = Thread.ofPlatform().start(this::serve);
    }

    Path path() {
        return path;
    }

    ApiClient client() {
        return new ApiClient(path);
    }

    private void serve() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(8192);
            while (!closed) {
                if (Poll.wait(listener, Poll.POLLIN, 20) != 0) {
                    try (Fd connection = Socket.accept(listener)) {
                        answer(connection, buffer);
                    }
                }
            }
        } catch (SysException e) {
            throw new IllegalStateException(e);
        }
    }

    private void answer(Fd connection, MemorySegment buffer) throws SysException {
        StringBuilder request = new StringBuilder();
        while (!isWhole(request.toString())) {
            long count = SocketIo.receive(connection, buffer.address(), buffer.byteSize());
            if (count == 0) {
                return;
            }
            request.append(
                    new String(buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1));
        }
        String text = request.toString();
        String call = text.substring(text.indexOf("/v1/") + 4, text.indexOf(" HTTP"));
        String reply = reply(call, text.substring(text.indexOf("\r\n\r\n") + 4));
        MemorySegment bytes = buffer.copyFrom(MemorySegment.ofArray(reply.getBytes(StandardCharsets.US_ASCII)));
        SocketIo.send(connection, bytes.address(), reply.length());
    }

    private static boolean isWhole(String request) {
        int end = request.indexOf("\r\n\r\n");
        int length = request.indexOf("Content-Length: ");
        return end >= 0
                && (length < 0
                        || request.length() - end - 4
                                >= Integer.parseInt(request.substring(length + 16, request.indexOf('\r', length))));
    }

    private String reply(String call, String body) {
        boolean refuses = migrates && (call.equals("vm.counters") || call.equals("vm.resume"));
        if (!refuses && !call.equals("vmm.ping") && !call.equals("vm.info") && !call.equals("vm.counters")) {
            asked.add(call);
        }
        if (refuses) {
            return refused();
        }
        return switch (call) {
            case "vmm.ping" -> json("{\"version\":\"" + version + "\",\"pid\":" + pid + "}");
            case "vm.info" -> json("{\"state\":\"" + (migrates ? frozen : state) + "\",\"config\":" + config + "}");
            case "vm.counters" -> json("{}");
            case "vm.resume" -> {
                state = "Running";
                yield "HTTP/1.1 204 No Content\r\n\r\n";
            }
            case "vm.send-migration" -> {
                migrate(JsonMapper.shared().readTree(body));
                yield "HTTP/1.1 204 No Content\r\n\r\n";
            }
            default -> "HTTP/1.1 204 No Content\r\n\r\n";
        };
    }

    private void migrate(JsonNode request) {
        frozen = state;
        migrates = true;
        migration = Thread.ofPlatform().start(() -> {
            try {
                sender.accept(Endpoint.parse(request.path("destination_url").asString("")));
            } catch (UsageException e) {
                throw new IllegalStateException(e);
            } finally {
                migrates = false;
            }
        });
    }

    /// Waits until a migration that was asked for has ended, and its sender has noted what it noted.
    void awaitEndOfMigration() {
        Threads.join(migration);
    }

    private static String json(String body) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String refused() {
        String body = "[\"The VM is being migrated\"]";
        return "HTTP/1.1 500 Internal Server Error\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    @Override
    public void close() {
        closed = true;
        Threads.join(thread);
        listener.close();
    }
}
