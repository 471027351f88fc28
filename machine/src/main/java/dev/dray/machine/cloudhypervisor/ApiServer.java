package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Threads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultBHttpServerConnection;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;

/// The API socket. Any number of clients connect, and their calls are carried out one after the other: one that takes
/// long is in the way of all.
final class ApiServer implements AutoCloseable {
    /// Longest body that is read, as in the real one.
    private static final int BODY_BYTES_MAX = 4 << 20;

    private final Path socket;
    private final ApiCalls calls;
    private final Reach reach;
    private final ServerSocketChannel server;
    private final ReentrantLock turn = new ReentrantLock();
    private final List<SocketChannel> clients = new CopyOnWriteArrayList<>();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    /// Listens when this returns.
    ApiServer(Path socket, ApiCalls calls, Reach reach) {
        this.socket = socket;
        this.calls = calls;
        this.reach = reach;
        try {
            Files.deleteIfExists(socket);
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket), Place.BACKLOG);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen at " + socket, e);
        }
        threads.add(Thread.ofPlatform().daemon().name("http-server").start(this::accept));
    }

    private void accept() {
        while (!closed) {
            try {
                SocketChannel client = server.accept();
                clients.add(client);
                threads.add(Thread.ofPlatform().daemon().name("http-client").start(() -> serve(client)));
                if (closed) {
                    client.close();
                }
            } catch (IOException _) {
                // Only the end of listening stops this.
            }
        }
    }

    private void serve(SocketChannel client) {
        try (client;
                var connection = new DefaultBHttpServerConnection("http", Http1Config.DEFAULT)) {
            connection.bind(new UnixSocket(client));
            while (!closed && serve(connection, () -> awaitEnd(client))) {
                // The client may ask again.
            }
        } catch (IOException | HttpException | PeerException | UnsupportedOperationException _) {
            // This client has gone, or the socket was closed.
        } finally {
            clients.remove(client);
        }
    }

    /// @return false if the client has hung up
    private boolean serve(DefaultBHttpServerConnection connection, Runnable stall)
            throws IOException, HttpException, PeerException {
        ClassicHttpRequest request = connection.receiveRequestHeader();
        if (request == null) {
            return false;
        }
        connection.receiveRequestEntity(request);
        byte[] body = request.getEntity() == null
                ? new byte[0]
                : EntityUtils.toByteArray(request.getEntity(), BODY_BYTES_MAX);
        Runnable after = () -> {};
        try {
            ApiAnswer answer;
            turn.lock();
            try {
                answer = calls.answer(request.getMethod(), request.getPath(), body == null ? new byte[0] : body, stall);
                after = answer.after();
                reach.step(FaultStep.CONTROL_ANSWER, stall);
            } finally {
                turn.unlock();
            }
            send(connection, answer);
        } finally {
            after.run();
        }
        return true;
    }

    private static void send(DefaultBHttpServerConnection connection, ApiAnswer answer)
            throws IOException, HttpException {
        ClassicHttpResponse response = new BasicClassicHttpResponse(answer.status(), "");
        response.setHeader("Server", "Cloud Hypervisor API");
        response.setHeader("Connection", "keep-alive");
        if (!answer.body().isEmpty()) {
            StringEntity entity =
                    new StringEntity(answer.body(), ContentType.APPLICATION_JSON.withCharset((String) null));
            response.setHeader("Content-Type", "application/json");
            response.setHeader("Content-Length", answer.body().getBytes(StandardCharsets.UTF_8).length);
            response.setEntity(entity);
        }
        connection.sendResponseHeader(response);
        connection.sendResponseEntity(response);
        connection.flush();
    }

    private static void awaitEnd(SocketChannel client) {
        try {
            while (client.read(ByteBuffer.allocate(1)) > 0) {
                // Nobody listens to it.
            }
        } catch (IOException _) {
            // That is the end, too.
        }
    }

    /// Hangs up and listens no more; from any thread.
    void cut() {
        closed = true;
        try {
            server.close();
            for (SocketChannel client : clients) {
                client.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        cut();
        Threads.join(threads);
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
