package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.DrayException;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ConnectionsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final AtomicLong clock = new AtomicLong();

    private static Connection connectTo(Listener listener) throws DrayException {
        return new Connector(listener.endpoint(), () -> false).connect(PATIENCE);
    }

    /// The thread that gives up the silent may come late, when the next one is waited for already.
    @Test
    void whoComesAfterASilentStrangerIsNotGivenUpWithThem() throws Exception {
        try (Listener listener = Listener.listen(new Endpoint.Tcp("127.0.0.1", 0), () -> false);
                Connections connections = new Connections(listener, new NotingWatch(), clock::get);
                Connection silent = connectTo(listener);
                Arena arena = Arena.ofConfined()) {
            Connection first = connections.main(PATIENCE, () -> {});
            clock.addAndGet(listener.silenceMax().toNanos());
            assertThat(first.readOrEnd(arena.allocate(1).address(), 1)).isFalse();
            assertThat(connections.start()).isFalse();

            connections.drop();
            connections.giveUpASilentMain();
            try (Connection vmm = connectTo(listener)) {
                Connection second = connections.main(PATIENCE, () -> {});
                assertThat(connections.start()).isTrue();
                vmm.write(arena.allocate(1).address(), 1);
                assertThat(second.readOrEnd(arena.allocate(1).address(), 1)).isTrue();
                assertThat(silent.isQuiet()).isFalse();
            }
        }
    }
}
