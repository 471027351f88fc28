package dev.dray.testbed;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Calls the REST API of a Cloud Hypervisor, real or built in: a connection for each call.
///
/// @param socket its API socket
public record ChApi(Path socket) {
    /// What a call was answered.
    public record Answer(int status, String body) {
        public JsonNode json() {
            return JsonMapper.shared().readTree(body.isEmpty() ? "null" : body);
        }

        public boolean isGood() {
            return status / 100 == 2;
        }
    }

    public Answer get(String call) throws IOException {
        return call("GET", call, "");
    }

    public Answer put(String call) throws IOException {
        return call("PUT", call, "");
    }

    public Answer put(String call, String body) throws IOException {
        return call("PUT", call, body);
    }

    /// A call that is answered later, as `vm.receive-migration` is. It fails if the VMM ends before.
    public CompletableFuture<Answer> putLater(String call, String body) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                answer.complete(put(call, body));
            } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    /// `Running`, `Paused`, `Created`; empty if there is no VM.
    public String state() throws IOException {
        return get("vm.info").json().path("state").asString("");
    }

    private Answer call(String method, String call, String body) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            StringBuilder head = new StringBuilder();
            head.append(method).append(" /api/v1/").append(call).append(" HTTP/1.1\r\nHost: localhost\r\n");
            int bytes = body.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > 0) {
                head.append("Content-Type: application/json\r\nContent-Length: ")
                        .append(bytes)
                        .append("\r\n");
            }
            ByteBuffer request = StandardCharsets.UTF_8.encode(head + "\r\n" + body);
            while (request.hasRemaining()) {
                channel.write(request);
            }
            return answer(channel);
        }
    }

    private static Answer answer(SocketChannel channel) throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (true) {
            String text = received.toString(StandardCharsets.UTF_8);
            int end = text.indexOf("\r\n\r\n");
            if (end >= 0) {
                int length = contentLength(text.substring(0, end));
                if (received.size() >= end + 4 + length) {
                    return new Answer(Integer.parseInt(text.substring(9, 12)), text.substring(end + 4));
                }
            }
            if (channel.read(buffer.clear()) < 0) {
                throw new IOException("no whole answer: " + text);
            }
            received.write(buffer.array(), 0, buffer.position());
        }
    }

    private static int contentLength(String head) {
        return head.lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length:"))
                .mapToInt(line -> Integer.parseInt(
                        line.substring("content-length:".length()).strip()))
                .findFirst()
                .orElse(0);
    }
}
