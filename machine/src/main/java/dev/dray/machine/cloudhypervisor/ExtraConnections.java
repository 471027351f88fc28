package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import dev.dray.machine.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The receiver's further connections, from Config to State: a thread accepts them and reads their role, and each that
/// brings memory has a thread.
final class ExtraConnections {
    private static final int ROLE_WAIT_MS = 10_000;
    private static final int POLL_MS = 10;

    private final Fd listener;
    private final MemoryReceiver receiver;
    private final BlockingQueue<Channel> faultConnections = new LinkedBlockingQueue<>();
    private final List<Channel> channels = new CopyOnWriteArrayList<>();
    private final List<Thread> workers = new CopyOnWriteArrayList<>();
    private final Thread acceptor;
    private volatile boolean stopped;
    private volatile @Nullable PeerException failure;

    /// Accepts when this returns.
    ///
    /// @param listener stays the caller's
    ExtraConnections(Fd listener, MemoryReceiver receiver) {
        this.listener = listener;
        this.receiver = receiver;
        this.acceptor = Thread.ofPlatform()
                .daemon()
                .name("migrate-receive-accept-connections")
                .start(this::accept);
    }

    private void accept() {
        try {
            while (!stopped) {
                if (Poll.wait(listener, Poll.POLLIN, POLL_MS) != 0 && !stopped) {
                    accept(new Channel(Socket.accept(listener)));
                }
            }
        } catch (SysException e) {
            if (e.errno() != Errno.EAGAIN) {
                failure = new PeerException("Error while accepting: " + e.getMessage(), "", e);
            }
        } catch (PeerException e) {
            failure = e;
        }
    }

    private void accept(Channel channel) throws PeerException {
        if (workers.size() >= SendOrder.CONNECTIONS_MAX) {
            channel.close();
            throw new PeerException("Received more than 128 additional migration connections.", "");
        }
        channels.add(channel);
        Optional<Role> role = role(channel);
        if (role.isEmpty()) {
            channel.close();
        } else if (role.get() == Role.FAULT) {
            faultConnections.add(channel);
        } else {
            workers.add(Thread.ofPlatform()
                    .daemon()
                    .name("migrate-receive-memory-" + workers.size())
                    .start(() -> work(channel)));
        }
    }

    /// A connection that says nothing useful in time is dropped.
    private static Optional<Role> role(Channel channel) {
        try {
            return channel.isReadable(ROLE_WAIT_MS) ? Role.of(channel.readRole()) : Optional.empty();
        } catch (PeerException _) {
            return Optional.empty();
        }
    }

    private void work(Channel channel) {
        try (channel) {
            while (!stopped) {
                // A request that waits when the State arrives is dropped.
                if (!channel.isReadable(POLL_MS) || stopped) {
                    continue;
                }
                Optional<RequestHeader> request = channel.request();
                if (request.isEmpty()) {
                    return;
                }
                if (request.get().command() != Command.MEMORY.code()) {
                    throw new PeerException(
                            "Received non memory command on migration receive worker: "
                                    + request.get().command(),
                            "");
                }
                receiver.receive(request.get(), channel);
                channel.answer(ResponseHeader.OK, 0);
            }
        } catch (PeerException e) {
            failure = e;
        }
    }

    /// The connection for page faults that came first.
    Optional<Channel> awaitFaultConnection(int timeoutMs) throws PeerException {
        try {
            return Optional.ofNullable(faultConnections.poll(timeoutMs, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PeerException("interrupted", "", e);
        }
    }

    /// Ends them all; connections for page faults that nobody took, too.
    ///
    /// @throws PeerException if one had failed
    void stop() throws PeerException {
        stopped = true;
        Threads.join(acceptor);
        Threads.join(workers);
        faultConnections.forEach(Channel::close);
        PeerException broke = failure;
        if (broke != null) {
            throw broke;
        }
    }

    /// Breaks every connection; from any thread.
    void shutdown() {
        stopped = true;
        channels.forEach(Channel::shutdown);
    }
}
