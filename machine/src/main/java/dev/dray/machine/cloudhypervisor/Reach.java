package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Vmm;

/// Lets planned faults happen.
record Reach(Vmm vmm, Faults faults) {
    /// A step is reached where there is no connection at hand but the client's, which ends.
    ///
    /// @param stall waits until the client has gone
    void step(FaultStep step, Runnable stall) throws PeerException {
        var fault = faults.reach(step);
        if (fault.isPresent()) {
            if (fault.get() == Faults.Action.DIE) {
                vmm.die();
            } else if (fault.get() == Faults.Action.STALL) {
                vmm.log("stalls at " + step);
                stall.run();
            }
            throw new PeerException("planned fault at " + step, "");
        }
    }

    /// A step is reached.
    ///
    /// @param channel the connection at hand
    void step(FaultStep step, Channel channel) throws PeerException {
        var fault = faults.reach(step);
        if (fault.isEmpty()) {
            return;
        }
        switch (fault.get()) {
            case CUT -> {
                channel.shutdown();
                throw new PeerException("planned fault at " + step + ": cut", "");
            }
            case FREEZE -> {
                // Over already.
            }
            case STALL -> {
                vmm.log("stalls at " + step);
                channel.awaitEnd();
                throw new PeerException("planned fault at " + step + ": stalled", "");
            }
            case ERROR -> throw new PeerException("planned fault at " + step, "");
            case DIE -> {
                vmm.die();
                throw new PeerException("the machine has died", "");
            }
        }
    }
}
