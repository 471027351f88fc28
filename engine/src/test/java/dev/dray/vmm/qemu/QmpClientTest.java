package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Against a peer that answers each command with its own name, and first with a stale answer.
class QmpClientTest {
    @TempDir
    private Path temp = Path.of("");

    @Test
    void tellsASocketThatIsForbiddenFromOneWhereNobodyAnswers() {
        Path socket = Path.of("/s");
        var forbidden = QmpClient.unreachable(socket, new IOException("Permission denied"));
        assertThat(forbidden).hasMessage("This user may not use the QMP socket /s");
        assertThat(forbidden.whatToDo()).isEqualTo("run Dray as the VMM's user, or as root");
        assertThat(QmpClient.unreachable(socket, new IOException("Connection refused")))
                .hasMessage("Nobody answers at the QMP socket /s (Connection refused)");
    }

    @Test
    void anInterruptNeitherCutsACommandShortNorClosesTheConnection() throws IOException, DrayException {
        Path socket = temp.resolve("qmp");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread.ofVirtual().start(() -> serve(server));
            try (var qmp = QmpClient.connect(socket, Duration.ofSeconds(20))) {
                Thread.currentThread().interrupt();
                assertThat(qmp.execute("stop").path("did").asString("")).isEqualTo("stop");
                assertThat(Thread.interrupted())
                        .as("the interrupt is still there")
                        .isTrue();
                assertThat(qmp.execute("cont").path("did").asString("")).isEqualTo("cont");
            }
        }
    }

    /// As QEMU does while another client is connected: nothing is taken from the queue of connections.
    @Test
    @Timeout(120)
    void aSocketWhoseQueueIsFullIsRefusedAfterAWhile() throws IOException {
        Path socket = temp.resolve("busy");
        var address = UnixDomainSocketAddress.of(socket);
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address, 1);
            assertThatThrownBy(() -> QmpClient.connect(socket, Duration.ofSeconds(2)))
                    .hasMessageContaining("said nothing");
            SocketChannel.open(address).close(); // stays in the queue
            assertThatThrownBy(() -> QmpClient.connect(socket, Duration.ofMillis(100)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("takes no further connection")
                    .hasMessageContaining("libvirt");
        }
    }

    private static void serve(ServerSocketChannel server) {
        try (SocketChannel client = server.accept();
                var lines = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8))) {
            send(client, "{\"QMP\":{}}");
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode command = JsonMapper.shared().readTree(line);
                long id = command.path("id").asLong(0);
                send(client, "{\"return\":{\"did\":\"something else\"},\"id\":" + (id - 1) + "}");
                send(client, "{\"return\":{\"did\":" + command.path("execute") + "},\"id\":" + id + "}");
            }
        } catch (IOException e) {
            // The client has closed the connection.
        }
    }

    private static void send(SocketChannel client, String line) throws IOException {
        var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }
}
