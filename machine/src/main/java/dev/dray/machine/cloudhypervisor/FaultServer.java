package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Threads;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The source's side of post-copy: gives any piece of memory that the destination asks for, until that has hung up.
/// An end of the connection is success, whatever was fetched.
final class FaultServer {
    private final Channel channel;
    private final GuestMemory memory;
    private final Reach reach;
    private final Thread thread;
    private volatile @Nullable PeerException failure;

    FaultServer(Channel channel, GuestMemory memory, Reach reach) {
        this.channel = channel;
        this.memory = memory;
        this.reach = reach;
        this.thread = Thread.ofPlatform().daemon().name("migrate-send-postcopy").unstarted(this::serve);
    }

    void start() throws PeerException {
        reach.step(FaultStep.SENDER_FAULT_CONNECTION, channel);
        channel.noDelay();
        channel.send(Role.FAULT);
        thread.start();
    }

    private void serve() {
        try {
            boolean goesOn = true;
            while (goesOn) {
                Optional<RequestHeader> request = channel.request();
                goesOn = request.isPresent() && serve(request.get());
            }
        } catch (PeerException e) {
            failure = e;
        } finally {
            channel.close();
        }
    }

    private boolean serve(RequestHeader request) throws PeerException {
        if (request.command() == Command.ABANDON.code()) {
            channel.answer(ResponseHeader.OK, 0);
            return false;
        }
        if (request.command() != Command.PAGE_FAULT.code()) {
            throw new PeerException("Postcopy: unexpected command in serve loop: " + request.command(), "");
        }
        MemoryRange range = channel.readRange();
        if (range.bytes() <= 0 || range.bytes() > WireLimits.FAULT_BYTES_MAX) {
            throw new PeerException("Postcopy: invalid page length " + range.bytes(), "");
        }
        reach.step(FaultStep.SENDER_SERVE, channel);
        long address = memory.address(range.gpa(), range.bytes());
        channel.answer(ResponseHeader.OK, range.bytes());
        reach.step(FaultStep.SENDER_SERVE_BODY, channel);
        channel.write(address, range.bytes());
        return true;
    }

    /// Returns when the destination has everything.
    ///
    /// @throws PeerException if the connection broke in another way than by its end
    void await() throws PeerException {
        Threads.join(thread);
        PeerException broke = failure;
        if (broke != null) {
            throw broke;
        }
    }

    void shutdown() {
        channel.shutdown();
    }

    void close() {
        shutdown();
        Threads.join(thread);
        channel.close();
    }
}
