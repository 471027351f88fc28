package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.vmm.OperationWatch;
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
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The connections of one migration that Dray receives: the first is the main one, each further one says what
/// it is for, once the main one is known to be the VMM's. A thread accepts, and each further connection has one.
final class Connections implements AutoCloseable {
    private static final int TICK_MS = 50;
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /// Connections that were given up and have not ended yet; while there are more, nobody else is accepted.
    private static final int GIVEN_UP_MAX = 16;

    private final Listener listener;
    private final OperationWatch watch;
    private final long silenceMaxNanos;
    private final LongSupplier clock;
    private volatile CompletableFuture<Connection> main = new CompletableFuture<>();
    private long mainSince;
    private boolean mainGivenUp;
    private boolean surplusTold;
    private final CompletableFuture<StreamMemory> memory = new CompletableFuture<>();
    private final List<Further> further = new ArrayList<>();
    private final AtomicInteger unnamed = new AtomicInteger();
    private volatile @Nullable FaultConnection fault;
    private volatile @Nullable DrayException failure;
    private volatile boolean started;
    private volatile boolean closed;
    private int opened;
    private final Thread acceptor;

    Connections(Listener listener, OperationWatch watch) {
        this(listener, watch, System::nanoTime);
    }

    /// @param clock in nanoseconds, by which silence is measured
    Connections(Listener listener, OperationWatch watch, LongSupplier clock) {
        this.listener = listener;
        this.watch = watch;
        this.clock = clock;
        this.silenceMaxNanos = listener.silenceMax().toNanos();
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
    ///
    /// @return false if it was silent for so long that it was given up
    synchronized boolean start() {
        started = !mainGivenUp;
        return started;
    }

    /// The main connection is a stranger's: the next one is.
    synchronized void drop() {
        var _ = main.thenAccept(Connection::close);
        main = new CompletableFuture<>();
        mainGivenUp = false;
    }

    /// From now on further connections may bring memory.
    void open(StreamMemory to) {
        memory.complete(to);
    }

    /// The connection on which memory can be asked for, once there is one.
    Optional<FaultConnection> fault() {
        return Optional.ofNullable(fault);
    }

    /// Why a further connection, or accepting them, failed first, if one has.
    Optional<DrayException> failure() {
        return Optional.ofNullable(failure);
    }

    /// What comes after the first failure follows from it: the sender ends its other connections too.
    private synchronized void fail(DrayException why) {
        if (failure == null) {
            failure = why;
        }
    }

    /// Waits until every connection that was opened before now has said what it is for.
    void settle(Sweep.Tick tick) throws DrayException {
        long deadline = System.nanoTime() + silenceMaxNanos;
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
                    giveUpASilentMain();
                    LockSupport.parkNanos(TICK_NANOS); // others wait to be accepted
                    continue;
                }
                listener.await(TICK_MS);
                acceptWaiting();
                giveUpTheSilent();
            }
        } catch (DrayException e) {
            giveUp(e);
        } catch (OutOfMemoryError e) {
            giveUp(Reception.outOfMemory(e));
        }
    }

    /// Nobody is accepted any more: whoever reads from the main connection has to hear of it.
    private synchronized void giveUp(DrayException why) {
        fail(why);
        main.completeExceptionally(why);
        var _ = main.thenAccept(Connection::shutdown);
    }

    /// Called when there was a main connection; there may be none any more.
    synchronized void giveUpASilentMain() {
        boolean anyoneCanReach = listener.endpoint() instanceof Endpoint.Tcp;
        boolean waits = main.isDone() && !started && !mainGivenUp;
        if (anyoneCanReach && waits && clock.getAsLong() - mainSince >= silenceMaxNanos) {
            mainGivenUp = true;
            var _ = main.thenAccept(Connection::shutdown);
        }
    }

    private synchronized void acceptWaiting() throws DrayException {
        if (main.isDone() && !started) {
            return;
        }
        forgetThoseThatAreOver();
        while (!closed && further.size() < WireLimits.CONNECTIONS_MAX + GIVEN_UP_MAX) {
            Connection connection = listener.accept().orElse(null);
            if (connection == null) {
                return;
            }
            if (!main.isDone()) {
                mainSince = clock.getAsLong();
                main.complete(connection);
                return;
            }
            if (makeRoom()) {
                Further added = new Further(connection, ++opened);
                further.add(added);
                added.thread.start();
            } else {
                connection.close();
            }
        }
    }

    /// Whoever can reach a port may open more connections than a migration has. The VMM's say at once what they are
    /// for, so the one that has not for longest gives way.
    ///
    /// @return false if there is none
    private boolean makeRoom() {
        if (further.stream().filter(each -> !each.givenUp).count() < WireLimits.CONNECTIONS_MAX) {
            return true;
        }
        if (!surplusTold) {
            surplusTold = true;
            watch.warning("somebody opened more than the " + WireLimits.CONNECTIONS_MAX
                    + " connections that a migration has: those that say nothing are closed");
        }
        for (Further each : further) {
            if (!each.named && !each.givenUp) {
                each.giveUp();
                return true;
            }
        }
        return false;
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
            if (!each.named && !each.givenUp && clock.getAsLong() - each.since >= silenceMaxNanos) {
                each.giveUp();
            }
        }
    }

    private boolean takeFault(Connection connection) {
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
        private final long since = clock.getAsLong();
        private final Thread thread;
        private volatile boolean named;
        private volatile boolean isFault;
        private volatile boolean givenUp;
        private volatile boolean over;

        Further(Connection connection, int number) {
            this.connection = connection;
            unnamed.incrementAndGet();
            this.thread = Thread.ofPlatform().name("connection-" + number).unstarted(this::run);
        }

        private void run() {
            try {
                MemorySegment buffer = NativeMemory.map(RequestHeader.BYTES);
                try {
                    Optional<Role> role = role(buffer);
                    if (name(role) && role.equals(Optional.of(Role.PRECOPY_MEMORY))) {
                        serve(buffer);
                    }
                } finally {
                    NativeMemory.unmap(buffer);
                }
            } catch (DrayException e) {
                if (named && !closed) {
                    fail(e);
                }
            } catch (OutOfMemoryError e) {
                fail(Reception.outOfMemory(e));
            } finally {
                name(Optional.empty());
                if (!isFault) {
                    connection.shutdown(); // closed by others, who may still want to shut it down
                    over = true;
                }
            }
        }

        /// What it is for is known, or that it is for nothing.
        ///
        /// @return false if it was given up before
        private boolean name(Optional<Role> role) {
            synchronized (Connections.this) {
                if (!named) {
                    isFault = !givenUp && role.equals(Optional.of(Role.FAULT)) && takeFault(connection);
                    named = true;
                    unnamed.decrementAndGet();
                }
                return !givenUp;
            }
        }

        /// Under the lock of all connections.
        private void giveUp() {
            givenUp = true;
            connection.shutdown();
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
