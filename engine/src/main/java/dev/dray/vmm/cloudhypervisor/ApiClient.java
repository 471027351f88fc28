package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.linux.Errno;
import dev.dray.linux.SysException;
import dev.dray.vmm.ControlSocket;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentLengthStrategy;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.DefaultContentLengthStrategy;
import org.apache.hc.core5.http.impl.io.ChunkedInputStream;
import org.apache.hc.core5.http.impl.io.ContentLengthInputStream;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParser;
import org.apache.hc.core5.http.impl.io.SessionInputBufferImpl;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Cloud Hypervisor's REST API, one connection a call. The VMM answers one call at a time, and none at all
/// while it receives a guest: every call has a limit.
final class ApiClient {
    /// What all calls but the long ones may take: they are answered within milliseconds.
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /// Largest answer: a `vm.info` has some KB and some hundred bytes for each device.
    private static final int BODY_BYTES_MAX = 4 << 20;

    private static final int LINE_BYTES_MAX = 8 << 10;
    private static final int HEADERS_MAX = 64;
    private static final int BUFFER_BYTES = 16 << 10;

    private final Path socket;

    ApiClient(Path socket) {
        this.socket = socket;
    }

    /// An answer, whatever its status.
    ///
    /// @param process that listens at the socket, as the kernel has it
    @SuppressWarnings("ArrayRecordComponent") // answers are not compared
    record Answer(int status, byte[] body, OptionalLong process) {
        boolean isOk() {
            return status >= 200 && status < 300;
        }

        /// What went wrong: the VMM gives a chain of errors, outermost first.
        String reason() {
            try {
                JsonNode chain = JsonMapper.shared().readTree(body);
                if (chain.isArray() && !chain.isEmpty()) {
                    return StreamSupport.stream(chain.spliterator(), false)
                            .map(each -> each.asString(""))
                            .collect(Collectors.joining(": "));
                }
            } catch (JacksonException e) {
                // said below
            }
            String text = new String(body, StandardCharsets.UTF_8).strip();
            return text.isEmpty() ? "status " + status : text.substring(0, Math.min(text.length(), 500));
        }

        JsonNode json(String call) throws PeerException {
            try {
                return JsonMapper.shared().readTree(body);
            } catch (JacksonException e) {
                throw new PeerException(
                        "Cloud Hypervisor answered " + call + " with something that is no JSON",
                        "see whether " + call + " works with ch-remote",
                        e);
            }
        }
    }

    Answer get(String call) throws PeerException {
        return call("GET", call, Optional.empty(), PATIENCE);
    }

    Answer put(String call) throws PeerException {
        return call("PUT", call, Optional.empty(), PATIENCE);
    }

    Answer put(String call, JsonNode body) throws PeerException {
        return call("PUT", call, Optional.of(body), PATIENCE);
    }

    /// @param patience limit for all of the call
    Answer call(String method, String call, Optional<JsonNode> body, Duration patience) throws PeerException {
        byte[] content = body.map(each -> each.toString().getBytes(StandardCharsets.UTF_8))
                .orElse(new byte[0]);
        String head = method + " /api/v1/" + call + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
                + (content.length == 0
                        ? "\r\n"
                        : "Content-Type: application/json\r\nContent-Length: " + content.length + "\r\n\r\n");
        try (ApiSocket connection = ApiSocket.connect(socket, patience)) {
            connection.write(head.getBytes(StandardCharsets.US_ASCII));
            connection.write(content);
            return read(connection);
        } catch (SocketTimeoutException e) {
            throw new PeerException(
                    "Cloud Hypervisor did not answer " + call + " within " + patience.toSeconds() + " s",
                    "see whether it hangs, or receives another guest",
                    e);
        } catch (SysException e) {
            throw unreachable(e);
        } catch (HttpException e) {
            throw new PeerException(
                    "What listens at " + socket + " is no API socket: it does not speak HTTP",
                    "give the socket that Cloud Hypervisor was started with as --api-socket; a QMP socket is qemu:"
                            + socket,
                    e);
        } catch (IOException e) {
            throw new PeerException(
                    "Cloud Hypervisor cannot be asked for " + call + " at " + socket + ": " + e.getMessage(),
                    "see whether it runs, and whether this is its --api-socket",
                    e);
        }
    }

    private PeerException unreachable(SysException e) {
        var control = new ControlSocket("API socket", socket, "Cloud Hypervisor", "--api-socket " + socket);
        RefusedException told = switch (e.errno()) {
            case Errno.ENOENT -> control.missing();
            case Errno.EACCES -> control.forbidden(e);
            case Errno.ECONNREFUSED -> control.silent("Connection refused", e);
            default -> control.silent(String.valueOf(e.getMessage()), e);
        };
        return new PeerException(String.valueOf(told.getMessage()), told.whatToDo(), e);
    }

    private static Answer read(ApiSocket connection) throws IOException, HttpException {
        Http1Config limits = Http1Config.custom()
                .setMaxLineLength(LINE_BYTES_MAX)
                .setMaxHeaderCount(HEADERS_MAX)
                .build();
        var buffer = new SessionInputBufferImpl(BUFFER_BYTES, LINE_BYTES_MAX);
        ClassicHttpResponse response = new DefaultHttpResponseParser(limits).parse(buffer, connection);
        if (response == null) {
            throw new IOException("it closed the connection without an answer");
        }
        boolean bodiless = response.getCode() == 204 || response.getCode() == 304;
        long length = bodiless
                ? ContentLengthStrategy.UNDEFINED
                : DefaultContentLengthStrategy.INSTANCE.determineLength(response);
        if (length == ContentLengthStrategy.UNDEFINED) { // the VMM always says how long a body is
            return new Answer(response.getCode(), new byte[0], connection.peerProcess());
        }
        InputStream body = length == ContentLengthStrategy.CHUNKED
                ? new ChunkedInputStream(buffer, connection)
                : new ContentLengthInputStream(buffer, connection, length);
        byte[] content = body.readNBytes(BODY_BYTES_MAX + 1);
        if (content.length > BODY_BYTES_MAX) {
            throw new IOException("its answer is longer than " + BODY_BYTES_MAX + " bytes");
        }
        return new Answer(response.getCode(), content, connection.peerProcess());
    }
}
