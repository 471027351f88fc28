package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SocketIo;
import dev.dray.linux.SysException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.Threads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/// What the next Dray does about a VM whose capture was killed, with an API that says what it was asked.
@Timeout(60)
class CaptureJournalTest {
    @TempDir
    Path directory = Path.of("/unset");

    @Test
    void aGuestThatAKilledDrayLeftStandingGoesOn() throws Exception {
        try (Api api = new Api(directory.resolve("api"), "Paused")) {
            var journal = new Kept();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            assertThat(CaptureJournal.putBack(journal, api.client())).isPresent();
            assertThat(api.asked).contains("PUT /api/v1/vm.resume HTTP/1.1");
            assertThat(journal.pending()).isEmpty();
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
        }
    }

    @Test
    void aGuestThatRunsIsLeftAlone() throws Exception {
        try (Api api = new Api(directory.resolve("api"), "Running")) {
            var journal = new Kept();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
            assertThat(api.asked).noneMatch(line -> line.contains("resume"));
            assertThat(journal.pending()).isEmpty();
        }
    }

    /// Another process behind the same socket: its guest was paused by somebody who wants that.
    @Test
    void anotherVmmBehindTheSameSocketIsLeftAlone() throws Exception {
        try (Api api = new Api(directory.resolve("api"), "Paused")) {
            var journal = new Kept();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            journal.pending().orElseThrow().put("process", "1 1");
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
            assertThat(api.asked).noneMatch(line -> line.contains("resume"));
        }
    }

    @Test
    void aGuestThatNobodyCapturedIsLeftAlone() throws Exception {
        try (Api api = new Api(directory.resolve("api"), "Paused")) {
            assertThat(CaptureJournal.putBack(new Kept(), api.client())).isEmpty();
            assertThat(api.asked).isEmpty();
        }
    }

    private static final class Kept implements Journal {
        private @Nullable ObjectNode entry;

        @Override
        public void write(ObjectNode written) {
            entry = written;
        }

        @Override
        public Optional<ObjectNode> pending() {
            return Optional.ofNullable(entry);
        }

        @Override
        public void clear() {
            entry = null;
        }
    }

    /// Answers one call a connection, as far as the journal asks.
    static final class Api implements AutoCloseable {
        final List<String> asked = Collections.synchronizedList(new ArrayList<>());
        private final Path path;
        private final String state;
        private final Fd listener;
        private final Thread thread;
        private volatile boolean closed;

        Api(Path path, String state) throws SysException {
            this.path = path;
            this.state = state;
            this.listener = Socket.listenUnix(path, 8);
            this.thread = Thread.ofPlatform().start(this::serve);
        }

        ApiClient client() {
            return new ApiClient(path);
        }

        private void serve() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(4096);
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
            long count = SocketIo.receive(connection, buffer.address(), buffer.byteSize());
            byte[] request = buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
            String line = new String(request, StandardCharsets.US_ASCII)
                    .lines()
                    .findFirst()
                    .orElse("");
            asked.add(line);
            String body = line.contains("ping")
                    ? "{\"version\":\"54.0.0\",\"pid\":"
                            + ProcessHandle.current().pid() + "}"
                    : line.contains("info") ? "{\"state\":\"" + state + "\",\"config\":{}}" : "";
            String reply = body.isEmpty()
                    ? "HTTP/1.1 204 No Content\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
            MemorySegment bytes = buffer.copyFrom(MemorySegment.ofArray(reply.getBytes(StandardCharsets.US_ASCII)));
            SocketIo.send(connection, bytes.address(), reply.length());
        }

        @Override
        public void close() {
            closed = true;
            Threads.join(thread);
            listener.close();
        }
    }
}
