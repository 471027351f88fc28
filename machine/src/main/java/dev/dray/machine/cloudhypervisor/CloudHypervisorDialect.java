package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.Dialect;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.Vmm;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// Speaks for a machine as Cloud Hypervisor does: API sockets, one migration at a time, out or in.
public final class CloudHypervisorDialect implements Dialect {
    private final Vmm vmm;
    private final Model model;
    private final long memoryBytes;
    private final Reach reach;
    private final Ownership ownership;
    private final ApiCalls calls;
    private final List<ApiServer> servers = new CopyOnWriteArrayList<>();
    private volatile @Nullable SourceRun source;
    private volatile @Nullable DestinationRun destination;
    private volatile boolean isClosed;

    public CloudHypervisorDialect(Vmm vmm, Model model, long memoryBytes, Faults faults) {
        this.vmm = vmm;
        this.model = model;
        this.memoryBytes = memoryBytes;
        this.reach = new Reach(vmm, faults);
        this.ownership = new Ownership(vmm);
        this.calls = new ApiCalls(this, ownership, model);
    }

    /// Makes a VM and starts its own guest.
    public void boot() {
        Design design = Design.of(model, memoryBytes);
        ownership.configured(
                design,
                MachineMemory.of(design.slots().stream()
                        .map(slot -> MemoryBlock.create(slot.layout()))
                        .toList()));
        vmm.boot();
        ownership.arrived(design);
        ownership.go();
    }

    @Override
    public void listen(Path socket) {
        servers.add(new ApiServer(socket, calls, reach));
    }

    /// `Running`, `Paused`, `Created` (a configuration without a VM), `Migrating`; empty if there is nothing.
    @Override
    public String status() {
        return ownership.status();
    }

    long process() {
        return vmm.process();
    }

    void reach(FaultStep step, Runnable stall) throws PeerException {
        reach.step(step, stall);
    }

    /// @return what starts the migration, which is the VM's owner from now on
    Runnable send(SendOrder order) throws ApiException {
        return ownership.lend(order, () -> {
            SourceRun run = new SourceRun(vmm, ownership, order, model, reach);
            source = run;
            return run::start;
        });
    }

    /// Returns when the guest is here.
    void receive(Place at, boolean isPostcopy) throws ApiException {
        DestinationRun run = new DestinationRun(vmm, ownership, model, reach, isPostcopy);
        destination = run;
        if (isClosed) {
            run.shutdown();
        }
        run.run(at);
    }

    /// Ends the VMM.
    void quit() {
        vmm.quit(0);
    }

    @Override
    public void closeConnections() {
        isClosed = true;
        servers.forEach(ApiServer::cut);
        SourceRun run = source;
        if (run != null) {
            run.shutdown();
        }
        DestinationRun incoming = destination;
        if (incoming != null) {
            incoming.shutdown();
        }
        ownership.shutdownDrain();
    }

    @Override
    public void close() {
        closeConnections();
        SourceRun run = source;
        if (run != null) {
            run.close();
        }
        servers.forEach(ApiServer::close);
        ownership.close();
    }
}
