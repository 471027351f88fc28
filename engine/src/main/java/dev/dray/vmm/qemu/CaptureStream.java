package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageDestination;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.Threads;
import dev.dray.vmm.qemu.CaptureEvent.FirstPage;
import dev.dray.vmm.qemu.CaptureEvent.StreamBroke;
import dev.dray.vmm.qemu.CaptureEvent.StreamEnded;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.Configuration;
import dev.dray.vmm.qemu.wire.ReturnMessage;
import dev.dray.vmm.qemu.wire.ReturnPathWriter;
import dev.dray.vmm.qemu.wire.StreamEvents;
import dev.dray.vmm.qemu.wire.StreamForm;
import dev.dray.vmm.qemu.wire.StreamLimits;
import dev.dray.vmm.qemu.wire.StreamReader;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The migration connection of one capture: accepts it, reads it to its end on a thread of its own, and
/// carries Dray's last word back to QEMU. Closing it, in whatever way, makes QEMU run its guest on.
final class CaptureStream implements AutoCloseable {
    /// A guest that stands still for longer does not do so for want of a processor.
    private static final Duration PAUSE_LIMIT = Duration.ofSeconds(10);

    private final PrivateSocket socket;
    private final CapturePlan plan;
    private final QemuFacts facts;
    private final CaptureStore store;
    private final Consumer<CaptureEvent> post;
    private final CountDownLatch pauseOver = new CountDownLatch(1);
    private @Nullable ServerSocketChannel server;
    private @Nullable ByteChannel channel;
    private @Nullable DrainingPipe pipe;
    private @Nullable ReturnPathWriter returnPath;
    private @Nullable Thread reader;
    private boolean closed;
    private volatile @Nullable CapturedStream captured;
    private volatile @Nullable SocketBytes bytes;

    CaptureStream(
            PrivateSocket socket, CapturePlan plan, QemuFacts facts, CaptureStore store, Consumer<CaptureEvent> post) {
        this.socket = socket;
        this.plan = plan;
        this.facts = facts;
        this.store = store;
        this.post = post;
    }

    /// Where QEMU is to write to. Only after [#start()].
    synchronized String uri() {
        return pipe == null ? socket.uri() : pipe.uri();
    }

    /// Listens, and reads as soon as QEMU has connected.
    synchronized void start() throws MachineException {
        Opening opening;
        if (plan.mode() == CaptureMode.BACKGROUND && DrainingPipe.isNeededBy(facts.version())) {
            DrainingPipe made = socket.pipe();
            pipe = made;
            opening = made::reading;
        } else {
            ServerSocketChannel listening = socket.listen();
            server = listening;
            opening = listening::accept;
        }
        reader = Thread.ofPlatform().name("stream").start(() -> read(opening));
    }

    /// How the reading thread gets its connection.
    private interface Opening {
        ByteChannel open() throws IOException;
    }

    /// How much has come so far; for any thread.
    long receivedBytes() {
        SocketBytes incoming = bytes;
        return incoming == null ? 0 : incoming.readBytes();
    }

    CapturedStream captured() {
        CapturedStream stream = captured;
        if (stream == null) {
            throw new IllegalStateException("the stream has not ended");
        }
        return stream;
    }

    /// Tells QEMU that the migration failed, and hangs up: it runs its guest on.
    void refuse() throws PeerException {
        try {
            say(new ReturnMessage.Shut(5));
        } finally {
            close();
        }
    }

    /// Tells QEMU that all is safe. The connection stays until QEMU closes it.
    void accept() throws PeerException {
        say(new ReturnMessage.Shut(0));
    }

    /// The guest runs on after its pause.
    void guestRunsOn() {
        pauseOver.countDown();
    }

    /// QEMU says what memory there is just before it stops the guest for a background snapshot, for milliseconds.
    /// Getting ready for the pages takes all processors for longer, and so waits until the guest runs on.
    private void awaitPauseOver() {
        if (plan.mode() != CaptureMode.BACKGROUND || !plan.guestRuns() || plan.hook()) {
            return;
        }
        try {
            var _ = pauseOver.await(PAUSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// QEMU is connected by now, or says that it has ended: nobody else keeps the stream open.
    synchronized void leaveToQemu() {
        if (pipe != null) {
            try {
                pipe.leaveToQemu();
            } catch (IOException e) {
                // It is closed all the same.
            }
        }
    }

    private synchronized void say(ReturnMessage message) throws PeerException {
        if (returnPath != null && !closed) {
            returnPath.write(message);
        }
    }

    private void read(Opening opening) {
        try {
            ByteChannel connection = opening.open();
            synchronized (this) {
                if (closed) {
                    connection.close();
                    return;
                }
                channel = connection;
            }
            var incoming = new SocketBytes(connection);
            bytes = incoming;
            var form = plan.returnPath() ? StreamForm.WAITING : StreamForm.BACKGROUND;
            captured = new StreamReader(incoming, form, StreamLimits.DEFAULT, new Events(incoming)).read();
            post.accept(new StreamEnded());
        } catch (DrayException e) {
            post.accept(new StreamBroke(e));
        } catch (IOException e) {
            post.accept(new StreamBroke(
                    new PeerException("QEMU did not connect to Dray's socket: " + e.getMessage(), "", e)));
        } catch (RuntimeException | Error e) {
            post.accept(new StreamBroke(
                    new MachineException("A defect in Dray stopped the capture: " + e, "report it", e)));
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        pauseOver.countDown();
        try {
            if (server != null) {
                server.close();
            }
            if (channel != null) {
                channel.close();
            }
            if (pipe != null) {
                pipe.close();
            }
        } catch (IOException e) {
            // QEMU sees the end of the connection all the same.
        }
    }

    /// Waits until the reading thread has let go of the store. Only after [#close()].
    void join() {
        Threads.joinInterruptibly(reader);
    }

    /// What the reader of the stream reports, on its thread.
    private final class Events implements StreamEvents {
        private final SocketBytes bytes;

        Events(SocketBytes bytes) {
            this.bytes = bytes;
        }

        @Override
        public PageDestination memory(Configuration configuration, GuestMemoryMap map) throws DrayException {
            leaveToQemu();
            awaitPauseOver();
            return store.pages(MachineFacts.located(map, facts));
        }

        @Override
        public void openReturnPath() {
            synchronized (CaptureStream.this) {
                returnPath = new ReturnPathWriter(bytes);
            }
        }

        @Override
        public void ping(int value) throws PeerException {
            say(new ReturnMessage.Pong(value));
        }

        @Override
        public void firstPage() {
            post.accept(new FirstPage());
        }
    }
}
