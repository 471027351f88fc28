package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.vmm.OperationWatch;

/// Tells the user of pages that cannot be fetched while a guest needs them: at once, then now and then, and when it is
/// over.
final class StorageTrouble {
    private static final long QUIET_NANOS = 30_000_000_000L;

    private final OperationWatch watch;
    private volatile int count;
    private long told;
    private boolean guestWaits;

    StorageTrouble(OperationWatch watch) {
        this.watch = watch;
    }

    /// The guest stands still until a page that failed can be read.
    synchronized void guestWaits() {
        if (!guestWaits) {
            guestWaits = true;
            watch.warning("The guest waits for memory that cannot be read");
        }
    }

    /// @param waitedFor whether the guest waits for the page
    synchronized void failed(DrayException why, boolean waitedFor) {
        guestWaits |= waitedFor;
        long now = System.nanoTime();
        if (count == 0 || now - told > QUIET_NANOS) {
            told = now;
            watch.warning("Memory of the guest cannot be read: " + why.getMessage()
                    + (waitedFor ? "; the guest waits for it" : "")
                    + ". Mend the repository or its mount (" + why.whatToDo()
                    + "): Dray tries again every few seconds, and gives the guest nothing else meanwhile");
        }
        count++;
    }

    /// Everything that failed was fetched.
    synchronized void over() {
        if (count > 0) {
            count = 0;
            guestWaits = false;
            watch.warning("Memory of the guest can be read again");
        }
    }

    /// Failures since it began.
    int count() {
        return count;
    }
}
