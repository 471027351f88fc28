package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.testbed.Gen;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Both ends of connections under TLS, with certificates that are made for the occasion.
@Timeout(120)
class TlsConnectionTest {
    @TempDir
    private static Path temp = Path.of("");

    private static TlsAuthority authority = new TlsAuthority(Path.of(""));

    private final Gen gen = Gen.create("TlsConnectionTest");

    @BeforeAll
    static void makeCertificates() throws Exception {
        authority = TlsAuthority.make(temp, "authority", "dns:localhost,ip:127.0.0.1");
    }

    @AfterAll
    static void forget() {
        authority = new TlsAuthority(Path.of(""));
    }

    private interface Side<R> {
        R run(Connection connection) throws DrayException;
    }

    /// Runs both sides of one connection and gives what each of them came to. They wait in system calls: two virtual
    /// threads would not go on at once where there is one processor.
    private static <R> void connect(Endpoint.Tls at, Endpoint.Tls to, Side<R> server, Side<R> client, Outcomes<R> then)
            throws Exception {
        try (Listener listener = Listener.listen(at, () -> false);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            var real = (Endpoint.Tcp) listener.endpoint();
            var reached = new Endpoint.Tls(new Endpoint.Tcp(to.at().host(), real.port()), to.directory());
            Future<R> accepted = threads.submit(run(() -> accepted(listener), server));
            Future<R> connected = threads.submit(
                    run(() -> new Connector(reached, () -> false).connect(Duration.ofSeconds(60)), client));
            then.see(accepted, connected);
        }
    }

    private static Connection accepted(Listener listener) throws DrayException {
        listener.await(60_000);
        return listener.accept().orElseThrow();
    }

    private interface Outcomes<R> {
        void see(Future<R> server, Future<R> client) throws Exception;
    }

    private interface Opening {
        Connection open() throws DrayException;
    }

    private static <R> Callable<R> run(Opening opening, Side<R> side) {
        return () -> {
            try (Connection connection = opening.open()) {
                return side.run(connection);
            }
        };
    }

    private static Endpoint.Tls at(Path directory) {
        return new Endpoint.Tls(new Endpoint.Tcp("127.0.0.1", 0), directory);
    }

    @Test
    void carriesMessagesOfAnyLengthBothWays() throws Exception {
        int[] lengths = {1, 16, gen.between(2, 5000), 16384, 16385, 5 << 20, gen.between(1, 300_000)};
        byte[] all = gen.bytes(6 << 20);
        Side<Long> server = connection -> {
            long echoed = 0;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(6 << 20);
                for (int length : lengths) {
                    connection.readFully(buffer.address(), length);
                    connection.write(buffer.address(), length);
                    echoed += length;
                }
                assertThat(connection.readOrEnd(buffer.address(), 16)).isFalse();
            }
            return echoed;
        };
        Side<Long> client = connection -> {
            long same = 0;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment out = arena.allocate(6 << 20);
                MemorySegment.copy(all, 0, out, ValueLayout.JAVA_BYTE, 0, all.length);
                MemorySegment in = arena.allocate(6 << 20);
                for (int length : lengths) {
                    connection.write(out.address(), length);
                    connection.readFully(in.address(), length);
                    assertThat(in.asSlice(0, length).mismatch(out.asSlice(0, length)))
                            .as("%s", gen)
                            .isEqualTo(-1);
                    same += length;
                }
            }
            return same;
        };
        connect(at(authority.directory()), at(authority.directory()), server, client, (accepted, connected) -> {
            assertThat(connected.get(60, TimeUnit.SECONDS)).isEqualTo(accepted.get(60, TimeUnit.SECONDS));
        });
    }

    private static final Side<Boolean> READS = connection -> {
        try (Arena arena = Arena.ofConfined()) {
            return connection.readOrEnd(arena.allocate(16).address(), 16);
        }
    };

    private static final Side<Boolean> WRITES_AND_READS = connection -> {
        try (Arena arena = Arena.ofConfined()) {
            connection.write(arena.allocate(16).address(), 16);
            return connection.readOrEnd(arena.allocate(16).address(), 16);
        }
    };

    private static void assertFails(Future<?> side, String why) {
        assertThatThrownBy(() -> side.get(60, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(PeerException.class)
                .hasMessageContaining(why);
    }

    @Test
    void takesNobodyWhoIsFromAnotherAuthority() throws Exception {
        TlsAuthority other = TlsAuthority.make(temp, "stranger", "dns:localhost,ip:127.0.0.1");
        Path mixed = other.trusting(authority); // it believes the server, and the server does not believe it
        connect(at(authority.directory()), at(mixed), READS, WRITES_AND_READS, (accepted, connected) -> {
            assertFails(accepted, "TLS with the other side failed");
            assertFails(connected, "");
        });
        connect(at(authority.directory()), at(other.directory()), READS, WRITES_AND_READS, (accepted, connected) -> {
            assertFails(connected, "TLS with the other side failed");
            assertFails(accepted, "");
        });
    }

    @Test
    void takesNoServerThatIsNotTheOneThatWasNamed() throws Exception {
        TlsAuthority elsewhere = TlsAuthority.make(temp, "elsewhere", "dns:elsewhere.example");
        connect(
                at(elsewhere.directory()),
                at(elsewhere.directory()),
                READS,
                WRITES_AND_READS,
                (_, connected) -> assertFails(connected, "TLS with the other side failed"));
    }

    /// Cloud Hypervisor would not take it either.
    @Test
    void takesNoServerThatIsNamedInItsSubjectOnly() throws Exception {
        TlsAuthority subject = TlsAuthority.make(temp, "subject", "localhost", "ip:127.0.0.2");
        var named = new Endpoint.Tls(new Endpoint.Tcp("localhost", 0), subject.directory());
        connect(
                at(subject.directory()),
                named,
                READS,
                WRITES_AND_READS,
                (_, connected) -> assertFails(connected, "subjectAltName"));
        var right = new Endpoint.Tls(new Endpoint.Tcp("localhost", 0), authority.directory());
        connect(at(authority.directory()), right, WRITES_AND_READS, WRITES_AND_READS, (accepted, connected) -> {
            assertThat(connected.get(60, TimeUnit.SECONDS)).isTrue();
            assertThat(accepted.get(60, TimeUnit.SECONDS)).isTrue();
        });
    }

    @Test
    void whoDoesNotShakeHandsDoesNotBlockAReception() throws Exception {
        var told = new ReceptionScene.Told();
        try (var held = new HeldGuest(new ArrayList<>());
                Listener listener = Listener.listen(at(authority.directory()), told::cancelled);
                ExecutorService threads = Executors.newCachedThreadPool();
                Connection silent = new Connector(listener.endpoint(), () -> false).connect(Duration.ofSeconds(20))) {
            Future<?> received = threads.submit(() -> CloudHypervisorReceiver.receive(listener, held, told));
            try (var from =
                    new ScriptedSource(new Endpoint.Tls((Endpoint.Tcp) listener.endpoint(), authority.directory()))) {
                from.start();
                assertThat(silent.isQuiet()).isFalse();
                assertThat(told.warnings).hasSize(1);
            } finally {
                told.cancelled = true;
            }
            assertThatThrownBy(() -> received.get(60, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        }
    }

    @Test
    void takesNoPeerThatSpeaksInClear() throws Exception {
        try (Listener listener = Listener.listen(at(authority.directory()), () -> false);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<Boolean> accepted = threads.submit(run(() -> accepted(listener), READS));
            Future<Boolean> connected = threads.submit(run(
                    () -> new Connector(listener.endpoint(), () -> false).connect(Duration.ofSeconds(60)), c -> {
                        try (Arena arena = Arena.ofConfined()) {
                            c.write(arena.allocate(64).fill((byte) 1).address(), 64);
                            return true;
                        }
                    }));
            assertThat(connected.get(60, TimeUnit.SECONDS)).isTrue();
            assertFails(accepted, "");
        }
    }

    @Test
    void aPeerThatTakesTheConnectionAndStaysSilentIsNotWaitedForForEver() throws Exception {
        try (Listener silent = Listener.listen(new Endpoint.Tcp("127.0.0.1", 0), () -> false)) {
            var to = new Endpoint.Tls((Endpoint.Tcp) silent.endpoint(), authority.directory());
            assertThatThrownBy(() -> new Connector(to, () -> false).connect(Duration.ofMillis(300)))
                    .isInstanceOf(PeerException.class)
                    .hasMessageContaining("TLS handshake");
            var asked = new AtomicInteger();
            assertThatThrownBy(() -> new Connector(to, () -> asked.incrementAndGet() > 2).connect(Duration.ofDays(1)))
                    .isInstanceOf(InterruptedOperation.class);
        }
    }

    @Test
    void readsKeysInTheOlderFormsToo() throws Exception {
        Path older = authority.withOlderForms();
        assertThat(Files.readString(older.resolve("server-key.pem"))).startsWith("-----BEGIN RSA PRIVATE KEY-----");
        assertThat(Files.readString(older.resolve("client-key.pem"))).startsWith("-----BEGIN EC PRIVATE KEY-----");
        connect(at(older), at(older), WRITES_AND_READS, WRITES_AND_READS, (accepted, connected) -> {
            assertThat(accepted.get(60, TimeUnit.SECONDS)).isTrue();
            assertThat(connected.get(60, TimeUnit.SECONDS)).isTrue();
        });
    }

    @Test
    void saysWhichFileCannotBeUsed() throws IOException {
        Path directory = Files.createDirectory(temp.resolve("incomplete"));
        assertThatThrownBy(() -> Listener.listen(at(directory), () -> false))
                .isInstanceOf(RefusedException.class)
                .hasMessage("The TLS files in " + directory + " cannot be used: there is no ca-cert.pem");
        Files.copy(authority.directory().resolve("ca-cert.pem"), directory.resolve("ca-cert.pem"));
        Files.writeString(directory.resolve("server-key.pem"), "nothing");
        assertThatThrownBy(() -> Listener.listen(at(directory), () -> false))
                .hasMessageEndingWith("server-key.pem has no private key, or one with a password");
    }
}
