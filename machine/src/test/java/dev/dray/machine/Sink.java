package dev.dray.machine;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.vmm.qemu.wire.ByteSink;
import dev.dray.vmm.qemu.wire.ByteSource;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.Configuration;
import dev.dray.vmm.qemu.wire.ReturnMessage;
import dev.dray.vmm.qemu.wire.ReturnPathWriter;
import dev.dray.vmm.qemu.wire.StreamEvents;
import dev.dray.vmm.qemu.wire.StreamForm;
import dev.dray.vmm.qemu.wire.StreamLimits;
import dev.dray.vmm.qemu.wire.StreamReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// A destination in the hands of a test: takes a migration and answers what the test wants.
final class Sink implements AutoCloseable, ByteSource, ByteSink {
    private final ServerSocketChannel server;
    private final CompletableFuture<SocketChannel> connection = new CompletableFuture<>();
    private final CompletableFuture<CapturedStream> stream = new CompletableFuture<>();
    private volatile @Nullable ReceivedGuest guest;

    /// Listens.
    ///
    /// @param reads whether it reads; one that does not lets the source fill its socket and wait
    Sink(Path socket, StreamForm form, boolean reads) throws IOException {
        Files.deleteIfExists(socket);
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(() -> {
            try {
                connection.complete(server.accept());
                if (reads) {
                    stream.complete(new StreamReader(this, form, StreamLimits.DEFAULT, new Events()).read());
                }
            } catch (IOException | DrayException | RuntimeException e) {
                connection.completeExceptionally(e);
                stream.completeExceptionally(e);
            }
        });
    }

    /// Everything but the pages, as soon as it is whole.
    CapturedStream whole() throws Exception {
        return stream.get(60, TimeUnit.SECONDS);
    }

    ReceivedGuest guest() {
        ReceivedGuest now = guest;
        if (now == null) {
            throw new IllegalStateException("no memory yet");
        }
        return now;
    }

    void awaitConnection() throws Exception {
        connection.get(60, TimeUnit.SECONDS);
    }

    void answer(int status) throws PeerException {
        new ReturnPathWriter(this).write(new ReturnMessage.Shut(status));
    }

    @Override
    public int read(MemorySegment into) throws PeerException {
        try {
            return connection.join().read(into.asByteBuffer());
        } catch (IOException e) {
            throw new PeerException("broke", "", e);
        }
    }

    @Override
    public void write(MemorySegment from) throws PeerException {
        try {
            ByteBuffer bytes = from.asByteBuffer();
            while (bytes.hasRemaining()) {
                connection.join().write(bytes);
            }
        } catch (IOException e) {
            throw new PeerException("broke", "", e);
        }
    }

    /// Hangs up.
    void hangUp() throws IOException {
        server.close();
        // Also one that is being accepted just now.
        var _ = connection.thenAccept(Sink::close);
    }

    private static void close(SocketChannel accepted) {
        try {
            accepted.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        hangUp();
    }

    private final class Events implements StreamEvents {
        @Override
        public PageDestination memory(Configuration configuration, GuestMemoryMap map) {
            ReceivedGuest received = new ReceivedGuest(map);
            guest = received;
            return received;
        }

        @Override
        public void ping(int value) throws PeerException {
            new ReturnPathWriter(Sink.this).write(new ReturnMessage.Pong(value));
        }
    }
}
