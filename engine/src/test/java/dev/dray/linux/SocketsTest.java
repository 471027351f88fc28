package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Sockets with a peer in the same process; what is sent fits into their buffers.
@Timeout(180)
class SocketsTest {
    private static final int PATIENCE_MS = 60_000;

    @TempDir
    Path directory = Path.of("/unset");

    @Test
    void carriesBytesOverAUnixSocket() throws Exception {
        try (Pair pair = unix();
                Arena arena = Arena.ofConfined()) {
            exchange(pair, arena);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesBytesOverTcp(String host) throws Exception {
        InetAddress address = InetAddress.ofLiteral(host);
        try (Fd listener = listen(address)) {
            InetSocketAddress at = new InetSocketAddress(address, Socket.localPort(listener));
            try (Pair pair = accepted(listener, Socket.connectTcp(at, PATIENCE_MS));
                    Arena arena = Arena.ofConfined()) {
                SocketOption.noDelay(pair.client);
                SocketOption.quickAck(pair.server);
                SocketOption.keepAlive(pair.server, 60, 15, 4, 120_000);
                exchange(pair, arena);
            }
        }
    }

    private static Fd listen(InetAddress address) throws SysException {
        try {
            return Socket.listenTcp(new InetSocketAddress(address, 0), 1);
        } catch (SysException e) {
            Assumptions.assumeTrue(e.errno() != Errno.EADDRNOTAVAIL, "This host does not have " + address);
            throw e;
        }
    }

    private static void exchange(Pair pair, Arena arena) throws SysException {
        MemorySegment memory = arena.allocate(16, 8);
        memory.set(JAVA_INT, 0, 42);
        assertThat(SocketIo.receiveNow(pair.server, memory.address() + 8, 8)).isEqualTo(SocketIo.WOULD_BLOCK);
        assertThat(Poll.wait(pair.server, Poll.POLLIN, 0)).isZero();
        assertThat(SocketIo.send(pair.client, memory.address(), 4)).isEqualTo(4);
        assertThat(Poll.wait(pair.server, Poll.POLLIN, PATIENCE_MS)).isEqualTo(Poll.POLLIN);
        assertThat(SocketIo.receiveNow(pair.server, memory.address() + 8, 8)).isEqualTo(4);
        assertThat(memory.get(JAVA_INT, 8)).isEqualTo(42);
        Socket.shutdown(pair.client);
        assertThat(SocketIo.receive(pair.server, memory.address(), 8)).isZero();
        fails(Errno.EPIPE, () -> SocketIo.send(pair.client, memory.address(), 4));
    }

    @Test
    void sendsNoMoreThanThereIsRoomFor() throws Exception {
        MemorySegment memory = NativeMemory.map(1 << 20);
        try (Pair pair = unix()) {
            long sent = 0;
            for (long one = 0; one != SocketIo.WOULD_BLOCK; sent += one) {
                one = SocketIo.sendNow(pair.client, memory.address(), memory.byteSize());
            }
            assertThat(sent).isBetween(1L, 1L << 26);
            assertThat(Poll.wait(pair.client, Poll.POLLOUT, 0)).isZero();
        } finally {
            NativeMemory.unmap(memory);
        }
    }

    @Test
    void wakesAReaderByShutdown() throws Exception {
        try (Pair pair = unix();
                Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(8);
            Thread reader = Thread.ofPlatform().start(() -> {
                try {
                    memory.set(JAVA_INT, 0, (int) SocketIo.receive(pair.server, memory.address() + 4, 4) + 1);
                } catch (SysException e) {
                    memory.set(JAVA_INT, 0, -e.errno());
                }
            });
            Socket.shutdown(pair.server);
            reader.join(PATIENCE_MS);
            assertThat(memory.get(JAVA_INT, 0)).isEqualTo(1);
        }
    }

    @Test
    void carriesADescriptorWithItsBytes() throws Exception {
        try (Pair pair = unix();
                Fd file = Memfd.create("dray-test", 12345);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(16, 8);
            memory.set(JAVA_INT, 0, 7);
            assertThat(SocketMessage.send(pair.client, memory.address(), 4, file))
                    .isEqualTo(4);
            SocketMessage.Received received = SocketMessage.receive(pair.server, memory.address() + 8, 4);
            assertThat(received.bytes()).isEqualTo(4);
            assertThat(memory.get(JAVA_INT, 8)).isEqualTo(7);
            try (Fd arrived = received.descriptor().orElseThrow()) {
                assertThat(Statx.of(arrived).bytes()).isEqualTo(12345);
                assertThat(closesOnExec(arrived)).isTrue();
            }
        }
    }

    @Test
    void losesADescriptorToAPlainRead() throws Exception {
        try (Pair pair = unix();
                Fd file = Memfd.create("dray-test-lost", 1);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8, 8);
            SocketMessage.send(pair.client, memory.address(), 4, file);
            long open = descriptorsOf("dray-test-lost");
            assertThat(SocketIo.receive(pair.server, memory.address(), 1)).isEqualTo(1);
            assertThat(SocketMessage.receive(pair.server, memory.address(), 3).descriptor())
                    .isEmpty();
            assertThat(descriptorsOf("dray-test-lost")).isEqualTo(open);
        }
    }

    @Test
    void readsBytesThatCarryNothing() throws Exception {
        try (Pair pair = unix();
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8, 8);
            SocketIo.send(pair.client, memory.address(), 4);
            assertThat(SocketMessage.receive(pair.server, memory.address(), 4).descriptor())
                    .isEmpty();
            Socket.shutdown(pair.client);
            assertThat(SocketMessage.receive(pair.server, memory.address(), 4).bytes())
                    .isZero();
        }
    }

    /// Two messages with a descriptor each are never merged by the kernel, so surplus ones come in one message:
    /// Python sends it.
    @Test
    void closesSurplusDescriptors() throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "No Python on this machine");
        for (int count : new int[] {2, 100}) {
            Path path = directory.resolve("s" + count);
            try (Fd listener = Socket.listenUnix(path, 1);
                    Arena arena = Arena.ofConfined()) {
                Process sender = new ProcessBuilder("/usr/bin/python3", "-c", SENDER, path.toString(), "" + count)
                        .inheritIO()
                        .start();
                assertThat(Poll.wait(listener, Poll.POLLIN, PATIENCE_MS)).isEqualTo(Poll.POLLIN);
                try (Fd server = Socket.accept(listener)) {
                    long address = arena.allocate(8, 8).address();
                    fails(Errno.EMSGSIZE, () -> SocketMessage.receive(server, address, 4));
                    assertThat(descriptorsOf("dray-surplus")).isZero();
                }
                assertThat(sender.waitFor()).isZero();
            }
        }
    }

    private static final String SENDER = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            socket.send_fds(s, [b'1234'], [os.memfd_create('dray-surplus') for i in range(int(sys.argv[2]))])
            s.recv(1)
            """;

    @Test
    void saysWhyThereIsNoConnection() throws Exception {
        Path path = directory.resolve("socket");
        fails(Errno.ENOENT, () -> Socket.connectUnix(path, PATIENCE_MS));
        try (Fd listener = Socket.listenUnix(path, 1)) {
            fails(Errno.EAGAIN, () -> Socket.accept(listener));
            fails(Errno.EADDRINUSE, () -> Socket.listenUnix(path, 1));
        }
        fails(Errno.ECONNREFUSED, () -> Socket.connectUnix(path, PATIENCE_MS));
        Path longer = directory.resolve("x".repeat(108));
        fails(Errno.ENAMETOOLONG, () -> Socket.connectUnix(longer, PATIENCE_MS));
        InetAddress here = InetAddress.ofLiteral("127.0.0.1");
        try (var silent = new java.net.Socket()) { // bound, so that nobody else listens there, but no listener
            silent.bind(new InetSocketAddress(here, 0));
            var at = new InetSocketAddress(here, silent.getLocalPort());
            fails(Errno.ECONNREFUSED, () -> Socket.connectTcp(at, PATIENCE_MS));
        }
    }

    @Test
    void givesUpOnAQueueThatStaysFull() throws Exception {
        Path path = directory.resolve("full");
        try (Fd listener = Socket.listenUnix(path, 0);
                Fd first = Socket.connectUnix(path, PATIENCE_MS)) {
            fails(Errno.ETIMEDOUT, () -> Socket.connectUnix(path, 20));
            assertThat(first.number()).isNotEqualTo(listener.number());
        }
    }

    @Test
    void tellsBytesFromHoles() throws Exception {
        try (Fd file = Memfd.create("dray-test", 1 << 20);
                Fd own = OpenFile.reopen(file, OpenFile.O_RDWR);
                Arena arena = Arena.ofConfined()) {
            assertThat(Lseek.data(own, 0)).isEqualTo(Lseek.NONE);
            FileIo.pwriteAll(file, arena.allocate(1).address(), 1, 3 * 4096 + 17);
            assertThat(Lseek.data(own, 0)).isEqualTo(3 * 4096);
            assertThat(Lseek.hole(own, 3 * 4096)).isEqualTo(4 * 4096);
            assertThat(Lseek.hole(own, 1 << 20)).isEqualTo(Lseek.NONE);
            Fallocate.punchHole(own, 3 * 4096, 4096);
            assertThat(Lseek.data(own, 0)).isEqualTo(Lseek.NONE);
            fails(Errno.EINVAL, () -> Fallocate.punchHole(own, -1, 4096));
        }
    }

    @Test
    void makesPagesOfZerosAndKeepsWhatIsThere() throws Exception {
        try (Fd file = Memfd.create("dray-test", 4 * 4096);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(JAVA_INT, 42);
            FileIo.pwriteAll(file, memory.address(), 4, 4096);
            Fallocate.materialise(file, 0, 3 * 4096);
            assertThat(FileIo.pread(file, memory.address(), 4, 4096)).isEqualTo(4);
            assertThat(memory.get(JAVA_INT, 0)).isEqualTo(42);
            assertThat(Files.getAttribute(Path.of("/proc/self/fd/" + file.number()), "unix:size"))
                    .isEqualTo(4L * 4096);
            FileIo.pread(file, memory.address(), 4, 0);
            assertThat(memory.get(JAVA_INT, 0)).isZero();
        }
    }

    @Test
    void makesFilesOfHugePages() throws Exception {
        Assumptions.assumeTrue(
                Files.isDirectory(Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB")), "No huge pages of 2 MiB");
        try (Fd file = Memfd.createHuge("dray-test", 4 << 20, 2 << 20)) {
            assertThat(Statx.of(file).bytes()).isEqualTo(4 << 20);
            fails(Errno.EINVAL, () -> FileIo.ftruncate(file, 4096)); // holds whole huge pages only
        }
        fails(Errno.ENODEV, () -> Memfd.createHuge("dray-test", 8192, 8192));
        assertThatThrownBy(() -> Memfd.createHuge("dray-test", 0, 3)).isInstanceOf(IllegalArgumentException.class);
    }

    private record Pair(Fd client, Fd server) implements AutoCloseable {
        @Override
        public void close() {
            client.close();
            server.close();
        }
    }

    private Pair unix() throws SysException {
        Path path = directory.resolve("pair");
        try (Fd listener = Socket.listenUnix(path, 1)) {
            return accepted(listener, Socket.connectUnix(path, PATIENCE_MS));
        }
    }

    private static Pair accepted(Fd listener, Fd client) throws SysException {
        assertThat(Poll.wait(listener, Poll.POLLIN, PATIENCE_MS)).isEqualTo(Poll.POLLIN);
        return new Pair(client, Socket.accept(listener));
    }

    private static boolean closesOnExec(Fd fd) throws Exception {
        String flags = Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.number())).stream()
                .filter(line -> line.startsWith("flags:"))
                .findFirst()
                .orElseThrow();
        return (Integer.parseInt(flags.substring(6).strip(), 8) & OpenFile.O_CLOEXEC) != 0;
    }

    private static long descriptorsOf(String memfd) throws Exception {
        try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
            return fds.filter(fd -> {
                        try {
                            return Files.readSymbolicLink(fd).toString().contains(memfd);
                        } catch (java.io.IOException e) {
                            return false;
                        }
                    })
                    .count();
        }
    }

    private static void fails(int errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }
}
