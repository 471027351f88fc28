package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The connections of one migration that Dray receives: the first is the main one, each further one says what
/// it is for, once the main one is known to be the VMM's. A thread accepts, and each further connection has one.
final class Connections implements AutoCloseable {
    private static final int TICK_MS = 50;
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /// How long a further connection may take to say what it is for, as the real VMM has it.
    private static final long ROLE_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Listener listener;
    private volatile CompletableFuture<Connection> main = new CompletableFuture<>();
    private final CompletableFuture<StreamMemory> memory = new CompletableFuture<>();
    private final List<Further> further = new ArrayList<>();
    private final AtomicInteger unnamed = new AtomicInteger();
    private volatile @Nullable FaultConnection fault;
    private volatile @Nullable DrayException failure;
    private volatile boolean started;
    private volatile boolean closed;
    private int opened;
    private final Thread acceptor;

    Connections(Listener listener) {
        this.listener = listener;
        this.acceptor = Thread.ofPlatform().name("accept").start(this::accept);
    }

    /// The main connection.
    ///
    /// @param patience how long the sender may take to connect
    Connection main(Duration patience, Sweep.Tick tick) throws DrayException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            tick.check();
            try {
                return main.get(TICK_MS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                if (System.nanoTime() - deadline >= 0) {
                    throw new PeerException(
                            "Nobody connected to " + listener.endpoint() + " within " + patience.toSeconds() + " s",
                            "see Cloud Hypervisor's log for why it cannot connect");
                }
            } catch (ExecutionException e) {
                if (e.getCause() instanceof DrayException expected) {
                    throw expected;
                }
                throw new IllegalStateException("the listener failed", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedOperation("Interrupted", "", e);
            }
        }
    }

    /// The main connection is the VMM's: from now on others are taken.
    void started() {
        started = true;
    }

    /// The main connection is a stranger's: the next one is.
    synchronized void drop() {
        var _ = main.thenAccept(Connection::close);
        main = new CompletableFuture<>();
    }

    /// From now on further connections may bring memory.
    void open(StreamMemory to) {
        memory.complete(to);
    }

    /// The connection on which memory can be asked for, once there is one.
    Optional<FaultConnection> fault() {
        return Optional.ofNullable(fault);
    }

    /// Why a further connection failed, if one has.
    Optional<DrayException> failure() {
        return Optional.ofNullable(failure);
    }

    /// Waits until every connection that was opened before now has said what it is for.
    void settle(Sweep.Tick tick) throws DrayException {
        long deadline = System.nanoTime() + ROLE_PATIENCE_NANOS;
        acceptWaiting();
        while (unnamed.get() > 0 && System.nanoTime() - deadline < 0) {
            tick.check();
            LockSupport.parkNanos(200_000);
        }
    }

    private void accept() {
        try {
            while (!closed) {
                if (main.isDone() && !started) {
                    LockSupport.parkNanos(TICK_NANOS); // others wait to be accepted
                    continue;
                }
                listener.await(TICK_MS);
                acceptWaiting();
                giveUpTheSilent();
            }
        } catch (DrayException e) {
            failure = e;
            main.completeExceptionally(e);
        }
    }

    private synchronized void acceptWaiting() throws DrayException {
        if (main.isDone() && !started) {
            return;
        }
        forgetThoseThatAreOver();
        Optional<Connection> accepted = listener.accept();
        while (accepted.isPresent() && !closed) {
            Connection connection = accepted.get();
            if (!main.isDone()) {
                main.complete(connection);
                return;
            }
            if (further.size() == WireLimits.CONNECTIONS_MAX) {
                connection.close();
                throw new PeerException(
                        "The sender opened more than " + WireLimits.CONNECTIONS_MAX + " connections", "report this");
            }
            further.add(new Further(connection, ++opened));
            accepted = listener.accept();
        }
        accepted.filter(_ -> closed).ifPresent(Connection::close);
    }

    private synchronized void forgetThoseThatAreOver() {
        for (Further each : List.copyOf(further)) {
            if (each.over) {
                Threads.join(each.thread);
                each.connection.close();
                further.remove(each);
            }
        }
    }

    private synchronized void giveUpTheSilent() {
        for (Further each : further) {
            if (!each.named && System.nanoTime() - each.since >= ROLE_PATIENCE_NANOS) {
                each.connection.shutdown();
            }
        }
    }

    private synchronized boolean takeFault(Connection connection) {
        if (fault != null || closed) {
            return false;
        }
        fault = new FaultConnection(connection);
        return true;
    }

    /// Ends every connection, the one that memory is asked for last: its end alone would tell the source that
    /// all is well.
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            var _ = main.thenAccept(Connection::shutdown);
            further.stream().filter(each -> !each.isFault).forEach(each -> each.connection.shutdown());
        }
        memory.cancel(false);
        Threads.join(acceptor);
        further.forEach(each -> Threads.join(each.thread));
        further.stream().filter(each -> !each.isFault).forEach(each -> each.connection.close());
        var _ = main.thenAccept(Connection::close);
        synchronized (this) {
            FaultConnection open = fault;
            if (open != null) {
                open.close();
            }
        }
    }

    /// One connection beside the main one.
    private final class Further {
        private final Connection connection;
        private final long since = System.nanoTime();
        private final Thread thread;
        private volatile boolean named;
        private volatile boolean isFault;
        private volatile boolean over;

        Further(Connection connection, int number) {
            this.connection = connection;
            unnamed.incrementAndGet();
            this.thread = Thread.ofPlatform().name("connection-" + number).start(this::run);
        }

        private void run() {
            MemorySegment buffer = NativeMemory.map(RequestHeader.BYTES);
            try {
                Optional<Role> role = role(buffer);
                if (role.equals(Optional.of(Role.FAULT))) {
                    isFault = takeFault(connection);
                }
                name();
                if (role.equals(Optional.of(Role.PRECOPY_MEMORY))) {
                    serve(buffer);
                }
            } catch (DrayException e) {
                if (named && !closed) {
                    failure = e;
                }
            } finally {
                name();
                NativeMemory.unmap(buffer);
                if (!isFault) {
                    connection.shutdown(); // closed by others, who may still want to shut it down
                    over = true;
                }
            }
        }

        private void name() {
            if (!named) {
                named = true;
                unnamed.decrementAndGet();
            }
        }

        private Optional<Role> role(MemorySegment buffer) throws DrayException {
            return connection.readOrEnd(buffer.address(), Wire.ROLE_BYTES)
                    ? Role.of(Short.toUnsignedInt(buffer.get(Wire.U16, 0)))
                    : Optional.empty();
        }

        /// Takes memory until the sender ends the connection, between two requests.
        private void serve(MemorySegment buffer) throws DrayException {
            StreamMemory to;
            try {
                to = memory.join();
            } catch (java.util.concurrent.CancellationException e) {
                return;
            }
            while (connection.readOrEnd(buffer.address(), RequestHeader.BYTES)) {
                RequestHeader header = RequestHeader.read(buffer, 0);
                if (header.command() != Command.MEMORY.code()) {
                    throw new PeerException(
                            "The sender sent command " + header.command() + " on a connection for memory",
                            "report this");
                }
                to.take(connection, header.length());
                new ResponseHeader(ResponseHeader.OK, 0).write(buffer, 0);
                connection.write(buffer.address(), ResponseHeader.BYTES);
            }
        }
    }
}
